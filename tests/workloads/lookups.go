// Look-ups by Go's own resolver: lookups NAME [PORT]
// With a port it connects to what it found.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
)

func main() {
	resolver := &net.Resolver{PreferGo: true}
	found, err := resolver.LookupHost(context.Background(), os.Args[1])
	if err != nil {
		fmt.Println("nothing:", err)
		return
	}
	fmt.Println(found)
	if len(os.Args) > 2 {
		dialer := &net.Dialer{Resolver: resolver}
		connection, err := dialer.Dial("tcp", net.JoinHostPort(os.Args[1], os.Args[2]))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		connection.Close()
	}
}
