// An HTTP server that asks another one, through fewer connections than it has requests at once: front PORT [PORT_OF_THE_OTHER]
//
// GET /rN asks the other one for /rN: with a body that takes several sends, with one that waits to be wanted, over a connection that is
// wrapped, for so short that some give up, and once more after its answer was sent. GET /pN is passed on. GET /fN has two goroutines
// ask, and a third one after the answer. GET /wN is done by a goroutine of a pool that grows with the work, in two parts, and starts
// what asks for /nobody from then on, the first time. All the while somebody asks for /nobody. Without a port to ask it is the other one: it is slow, and does not keep connections for long.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

type wrapped struct{ net.Conn }

func client(wraps bool) *http.Client {
	transport := &http.Transport{MaxConnsPerHost: 6, MaxIdleConnsPerHost: 6, ExpectContinueTimeout: time.Second}
	if wraps {
		transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return &wrapped{dialled}, err
		}
	}
	return &http.Client{Transport: transport}
}

var plain, wraps = client(false), client(true)

// Between two questions of somebody for /nobody. On an emulated machine all would be busy with those: NOBODY is a longer time.
var pause = 2 * time.Millisecond

func ask(client *http.Client, request *http.Request) {
	answer, err := client.Do(request)
	if err == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	if err != nil && request.Context().Err() == nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func get(client *http.Client, url string) {
	request, _ := http.NewRequest("GET", url, nil)
	ask(client, request)
}

func post(url string, bytesSent int, waits bool) {
	request, _ := http.NewRequest("POST", url, bytes.NewReader(make([]byte, bytesSent)))
	if waits {
		request.Header.Set("Expect", "100-continue")
	}
	ask(plain, request)
}

func fan(url string) {
	var both sync.WaitGroup
	for i := 0; i < 2; i++ {
		both.Add(1)
		go func() {
			defer both.Done()
			get(plain, url)
		}()
	}
	go func() {
		time.Sleep(6 * time.Millisecond)
		get(plain, url)
	}()
	both.Wait()
}

// Work for whoever of the pool is idle.
var tasks = make(chan func())

// Has somebody of the pool do it, and waits for that.
func pooled(task func()) {
	done := make(chan struct{})
	whole := func() {
		task()
		close(done)
	}
	select {
	case tasks <- whole:
	default:
		go worker(whole)
	}
	<-done
}

func worker(first func()) {
	first()
	for task := range tasks {
		task()
	}
}

var once sync.Once

func ticks(url string) {
	for range time.Tick(3 * time.Millisecond) {
		get(wraps, url)
	}
}

func front(other string) http.Handler {
	target, _ := url.Parse(other)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = plain.Transport
	go func() {
		for {
			get(plain, other+"/nobody")
			time.Sleep(pause)
		}
	}()
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if strings.HasPrefix(request.URL.Path, "/p") {
			proxy.ServeHTTP(response, request)
			return
		}
		whole := other + request.URL.Path
		if strings.HasPrefix(request.URL.Path, "/f") {
			fan(whole)
			response.Write([]byte("ok\n"))
			return
		}
		if strings.HasPrefix(request.URL.Path, "/w") {
			once.Do(func() { go ticks(other + "/nobody") })
			pooled(func() { get(wraps, whole) })
			pooled(func() { get(wraps, whole) })
			response.Write([]byte("ok\n"))
			return
		}
		if request.URL.Path != "/" {
			get(plain, whole)
			post(whole, 200_000, false)
			post(whole, 2_000, true)
			get(wraps, whole)
			brief, cancel := context.WithTimeout(request.Context(), 3*time.Millisecond)
			asked, _ := http.NewRequestWithContext(brief, "GET", whole, nil)
			ask(plain, asked)
			cancel()
		}
		response.Header().Set("Content-Length", "3")
		response.Write([]byte("ok\n"))
		response.(http.Flusher).Flush()
		if request.URL.Path != "/" {
			get(plain, whole)
		}
	})
}

func main() {
	if longer, err := time.ParseDuration(os.Getenv("NOBODY")); err == nil {
		pause = longer
	}
	server := &http.Server{Addr: "127.0.0.1:" + os.Args[1]}
	if len(os.Args) > 2 {
		server.Handler = front("http://127.0.0.1:" + os.Args[2])
	} else {
		server.IdleTimeout = 20 * time.Millisecond
		server.Handler = http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
			io.Copy(io.Discard, request.Body)
			time.Sleep(2 * time.Millisecond)
			response.Write([]byte("ok\n"))
		})
	}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
}
