package promql

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// maxSecretFile is how large a file with a token or password may be, in bytes.
const maxSecretFile = 64 << 10

// authorize signs one request. Files are read each time, so that a token that
// is rotated is used at once.
func (s *Server) authorize(req *http.Request) error {
	switch {
	case s.Token != "" || s.TokenFile != "":
		token, err := secretFrom(s.Token, s.TokenFile)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	case s.User != "":
		password, err := secretFrom(s.Password, s.PasswordFile)
		if err != nil {
			return err
		}
		req.SetBasicAuth(s.User, password)
	}
	return nil
}

// secretFrom returns the secret, or else what the file holds, without the white
// space around it. No error shows any of it.
func secretFrom(secret Secret, file string) (string, error) {
	text, from := string(secret), "the secret"
	if file != "" {
		from = file
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
		if err != nil {
			return "", err
		}
		if len(data) > maxSecretFile {
			return "", fmt.Errorf("%s is larger than %d bytes: that is no token or password", file, maxSecretFile)
		}
		if text = strings.TrimSpace(string(data)); text == "" {
			return "", fmt.Errorf("%s is empty", file)
		}
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fmt.Errorf("%s holds a line break or another control character: want one line", from)
	}
	return text, nil
}

func (s *Server) authProblems(report func(path, msg string)) {
	if s.Token != "" && s.TokenFile != "" {
		report("TokenFile", "is set and so is Token: want one of them")
	}
	if s.Password != "" && s.PasswordFile != "" {
		report("PasswordFile", "is set and so is Password: want one of them")
	}
	if s.User != "" && (s.Token != "" || s.TokenFile != "") {
		report("User", "is set and so is a token: want one way to authenticate")
	}
	if s.User == "" && (s.Password != "" || s.PasswordFile != "") {
		report("User", "is empty, but there is a password")
	}
	for field, secret := range map[string]Secret{"Token": s.Token, "Password": s.Password} {
		if _, err := secretFrom(secret, ""); err != nil {
			report(field, "holds a line break or another control character")
		}
	}
	if s.Token != "" || s.TokenFile != "" || s.User != "" {
		if s.Header.Get("Authorization") != "" {
			report("Header", "has an Authorization of its own: want one way to authenticate")
		}
	}
}
