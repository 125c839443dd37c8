// One of several servers over TLS, and a client that asks them all in turns: peers serve PORT CERTIFICATE KEY, peers http|http2 PORTS AT_ONCE FROM TO
//
// Each path names the server that it is meant for: /to-PORT/nN. Now and then a connection is closed behind an answer.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
)

func number(text string) int {
	number, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return number
}

func serve() {
	hello := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") }
	panic(http.ListenAndServeTLS("127.0.0.1:"+os.Args[2], os.Args[3], os.Args[4], http.HandlerFunc(hello)))
}

func ask() {
	ports := strings.Split(os.Args[2], ",")
	atOnce, first, end := number(os.Args[3]), number(os.Args[4]), number(os.Args[5])
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
		ForceAttemptHTTP2:   os.Args[1] == "http2",
		MaxIdleConnsPerHost: atOnce / 2,
	}}
	numbers := make(chan int)
	var all sync.WaitGroup
	for range atOnce {
		all.Add(1)
		go func() {
			defer all.Done()
			for n := range numbers {
				port := ports[n%len(ports)]
				request, _ := http.NewRequest("GET", fmt.Sprintf("https://127.0.0.1:%s/to-%s/n%d", port, port, n), nil)
				request.Close = n%41 == 0
				answer, err := client.Do(request)
				if err != nil {
					panic(err)
				}
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
		}()
	}
	for n := first; n < end; n++ {
		numbers <- n
	}
	close(numbers)
	all.Wait()
}

func main() {
	if os.Args[1] == "serve" {
		serve()
	}
	ask()
}
