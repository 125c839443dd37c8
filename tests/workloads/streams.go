// A server of HTTP/2 over TLS that asks Redis, each request twice from the goroutine that handles it: streams PORT CERTIFICATE KEY REDIS
//
// GET /rN asks for rN. GET /wN waits for a goroutine that it started, which asks for wN once more. All the while somebody asks for nobody.
package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// Connections to Redis that nobody uses.
var idle = make(chan net.Conn, 256)

func ask(key string) {
	var conn net.Conn
	select {
	case conn = <-idle:
	default:
		conn, _ = net.Dial("tcp", "127.0.0.1:"+os.Args[4])
	}
	fmt.Fprintf(conn, "*2\r\n$6\r\nSTRLEN\r\n$%d\r\n%s\r\n", len(key), key)
	if answer, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		fmt.Fprintln(os.Stderr, answer, err)
		os.Exit(1)
	}
	select {
	case idle <- conn:
	default:
		conn.Close()
	}
}

func main() {
	go func() {
		for {
			ask("nobody")
			go ask("nobody")
			time.Sleep(2 * time.Millisecond)
		}
	}()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		key := r.URL.Path[1:]
		ask(key)
		if key[0] == 'w' {
			done := make(chan bool)
			go func() { ask(key); close(done) }()
			<-done
		}
		ask(key)
	})
	panic(http.ListenAndServeTLS("127.0.0.1:"+os.Args[1], os.Args[2], os.Args[3], nil))
}
