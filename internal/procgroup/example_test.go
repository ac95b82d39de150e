package procgroup_test

import (
	"context"
	"fmt"

	"github.com/tidegate-go/tidegate/internal/procgroup"
)

func Example() {
	greet := procgroup.Command{Args: []string{"sh", "-c", `read name; echo "hello $name"`}, Stdin: []byte("tide\n")}
	out, err := greet.Run(context.Background())
	fmt.Printf("%s%v\n", out.Stdout, err)

	fail := procgroup.Command{Args: []string{"sh", "-c", "echo no such cluster >&2; exit 3"}}
	_, err = fail.Run(context.Background())
	fmt.Println(err)
	// Output:
	// hello tide
	// <nil>
	// procgroup: sh: exit status 3 (it said "no such cluster")
}
