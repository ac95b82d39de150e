package httpx_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/tidegate-go/tidegate/internal/httpx"
)

func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics" {
			http.Error(w, "no such page", http.StatusNotFound)
			return
		}
		fmt.Fprint(w, "up 1")
	}))
	defer server.Close()

	var client httpx.Client // the zero value is ready
	defer client.CloseIdleConnections()

	resp, err := client.Get(context.Background(), server.URL+"/metrics")
	fmt.Printf("%s %v\n", resp.Body, err)

	_, err = client.Get(context.Background(), server.URL+"/metric?token=secret")
	var status *httpx.StatusError
	if errors.As(err, &status) {
		fmt.Println(status.Status, httpx.Excerpt(status.Body))
	}
	// Output:
	// up 1 <nil>
	// 404 "no such page"
}
