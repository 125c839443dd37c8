// Many connections that stay open, of HTTP/2 in plain text: many serve PORT, many ask PORT CONNECTIONS REQUESTS
//
// The client makes one request on each, then the next on each, says `open`, and closes all when its standard input ends.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
)

func number(at int) int {
	number, err := strconv.Atoi(os.Args[at])
	if err != nil {
		panic(err)
	}
	return number
}

func plain() *http.Protocols {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	return protocols
}

func serve() {
	answer := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Served", r.URL.Path)
		fmt.Fprintln(w, "hello")
	}
	server := http.Server{Addr: "127.0.0.1:" + os.Args[2], Handler: http.HandlerFunc(answer), Protocols: plain()}
	panic(server.ListenAndServe())
}

// Asks once more on a connection of its own.
func ask(transport *http.Transport, number, n int) {
	// A field that is new each time fills the table of header compression.
	request, _ := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%s/c%d/r%d", os.Args[2], number, n), nil)
	request.Header.Set("X-Order", fmt.Sprintf("order-%032d-%032d", number, n))
	answer, err := transport.RoundTrip(request)
	if err != nil {
		panic(err)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
}

func main() {
	if os.Args[1] == "serve" {
		serve()
	}
	connections, requests := number(3), number(4)
	transports := make([]*http.Transport, connections)
	for n := range transports {
		transports[n] = &http.Transport{Protocols: plain()}
	}
	for n := range requests {
		var all sync.WaitGroup
		for first := range 16 {
			all.Add(1)
			go func() {
				defer all.Done()
				for number := first; number < connections; number += 16 {
					ask(transports[number], number, n)
				}
			}()
		}
		all.Wait()
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
	for _, transport := range transports {
		transport.CloseIdleConnections()
	}
}
