// An HTTP server that asks Redis, through fewer connections than it has requests at once: orders PORT REDIS_PORT
//
// GET /rN asks for the key rN twice, and once more after its answer was sent. All the while somebody asks for the key `nobody`.
package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

type connection struct {
	net.Conn
	reader *bufio.Reader
}

var pool = make(chan *connection, 3)

func get(key string) {
	redis := <-pool
	defer func() { pool <- redis }()
	fmt.Fprintf(redis, "*2\r\n$3\r\nGET\r\n$%d\r\n%s\r\n", len(key), key)
	if answer, err := redis.reader.ReadString('\n'); err != nil || !strings.HasPrefix(answer, "$-1") {
		fmt.Fprintln(os.Stderr, answer, err)
		os.Exit(1)
	}
}

func handle(response http.ResponseWriter, request *http.Request) {
	key := strings.TrimPrefix(request.URL.Path, "/")
	if key != "" {
		get(key)
		time.Sleep(5 * time.Millisecond)
		get(key)
	}
	response.Header().Set("Content-Length", "3")
	response.Write([]byte("ok\n"))
	response.(http.Flusher).Flush()
	if key != "" {
		get(key)
	}
}

func main() {
	// On an emulated machine all would be busy with what nobody asked for: NOBODY is a longer time between two of those.
	pause, err := time.ParseDuration(os.Getenv("NOBODY"))
	if err != nil {
		pause = 2 * time.Millisecond
	}
	for i := 0; i < cap(pool); i++ {
		dialled, err := net.Dial("tcp", "127.0.0.1:"+os.Args[2])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		pool <- &connection{dialled, bufio.NewReader(dialled)}
	}
	go func() {
		for {
			get("nobody")
			time.Sleep(pause)
		}
	}()
	fmt.Fprintln(os.Stderr, http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(handle)))
}
