// Requests over TLS by drivers of Go: drivers DRIVER PORT AT_ONCE FROM TO
//
// Each of FROM … TO is asked for once, by AT_ONCE goroutines.
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
)

var background = context.Background()

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func number(at int) int { return must(strconv.Atoi(os.Args[at])) }

func driver(name string, port, atOnce int) func(int) error {
	trusting := &tls.Config{InsecureSkipVerify: true}
	switch name {
	case "http", "http2":
		transport := &http.Transport{TLSClientConfig: trusting, MaxIdleConnsPerHost: atOnce, ForceAttemptHTTP2: name == "http2"}
		client := &http.Client{Transport: transport}
		return func(n int) error {
			answer, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/?n%d", port, n))
			if err != nil {
				return err
			}
			defer answer.Body.Close()
			_, err = io.Copy(io.Discard, answer.Body)
			return err
		}
	case "pgx":
		config := must(pgxpool.ParseConfig(fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=require", port)))
		config.MaxConns = int32(atOnce)
		pool := must(pgxpool.NewWithConfig(background, config))
		return func(n int) error {
			var one int
			return pool.QueryRow(background, fmt.Sprintf(`SELECT 1 AS "n%d"`, n)).Scan(&one)
		}
	default:
		client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", port), TLSConfig: trusting, PoolSize: atOnce})
		return func(n int) error {
			if err := client.Get(background, fmt.Sprintf("n%d", n)).Err(); err != redis.Nil {
				return err
			}
			return nil
		}
	}
}

func main() {
	port, atOnce, first, end := number(2), number(3), number(4), number(5)
	ask := driver(os.Args[1], port, atOnce)
	numbers := make(chan int)
	var all sync.WaitGroup
	for range atOnce {
		all.Add(1)
		go func() {
			defer all.Done()
			for n := range numbers {
				must(n, ask(n))
			}
		}()
	}
	for n := first; n < end; n++ {
		numbers <- n
	}
	close(numbers)
	all.Wait()
}
