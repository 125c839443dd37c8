// server [chi|gin]: net/http, alone or below a router; database/sql with pgx, go-redis and http.Client, by the plan of
// xtask/src/truth/plan.rs. Pools are smaller than the load.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
)

const pool = 6

var (
	database *sql.DB
	cache    *redis.Client
	client   *http.Client
)

// What a client that hangs up cancels is no call: the work goes on.
var ctx = context.Background()

func query(name string) {
	var nothing any
	report(database.QueryRow(fmt.Sprintf(`SELECT pg_sleep(0.002) AS "%s"`, name)).Scan(&nothing))
}

func get(name string) {
	if err := cache.Get(ctx, name).Err(); err != redis.Nil {
		report(err)
	}
}

func leaf(name string) {
	answer, err := client.Get("http://127.0.0.1:" + os.Getenv("LEAF_PORT") + "/leaf/" + name)
	if err != nil {
		report(err)
		return
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
}

func report(err error) {
	if err != nil {
		log.Print(err)
	}
}

func work(name, mode string) {
	switch mode {
	case "sequential":
		query(name + "_s1")
		get(name + "_s2")
		leaf(name + "_s3")
		query(name + "_s4")
	case "fanout":
		var all sync.WaitGroup
		for end, call := range map[string]func(string){"_f1": query, "_f2": get, "_f3": leaf} {
			all.Add(1)
			go func() {
				defer all.Done()
				call(name + end)
			}()
		}
		all.Wait()
	case "timer":
		time.Sleep(3 * time.Millisecond)
		query(name + "_t1")
		get(name + "_t2")
		leaf(name + "_t3")
	}
}

func stream(name string, response http.ResponseWriter) {
	io.WriteString(response, "o")
	response.(http.Flusher).Flush()
	query(name + "_c1")
	get(name + "_c2")
	leaf(name + "_c3")
	io.WriteString(response, "k\n")
}

// What a handler starts goes on after its answer.
func late(name string) {
	time.Sleep(2 * time.Millisecond)
	query(name + "_l1")
	get(name + "_l2")
	leaf(name + "_l3")
}

func background() {
	for number := 0; ; number++ {
		time.Sleep(5 * time.Millisecond)
		[]func(string){query, get, leaf}[number%3](fmt.Sprintf("bg%d", number))
	}
}

func handle(response http.ResponseWriter, request *http.Request) {
	name, mode := request.URL.Query().Get("id"), request.URL.Query().Get("mode")
	if mode == "stream" {
		stream(name, response)
		return
	}
	work(name, mode)
	response.Header().Set("Content-Length", "3")
	io.WriteString(response, "ok\n")
	if mode == "late" {
		response.(http.Flusher).Flush()
		go late(name)
	}
}

func router() http.Handler {
	if len(os.Args) > 1 && os.Args[1] == "chi" {
		routes := chi.NewRouter()
		routes.Get("/work", handle)
		return routes
	}
	if len(os.Args) > 1 && os.Args[1] == "gin" {
		gin.SetMode(gin.ReleaseMode)
		routes := gin.New()
		routes.GET("/work", gin.WrapF(handle))
		return routes
	}
	routes := http.NewServeMux()
	routes.HandleFunc("/work", handle)
	return routes
}

func main() {
	var err error
	database, err = sql.Open("pgx", "host=127.0.0.1 user=postgres database=postgres port="+os.Getenv("POSTGRES_PORT"))
	if err != nil {
		log.Fatal(err)
	}
	database.SetMaxOpenConns(pool)
	database.SetMaxIdleConns(pool)
	cache = redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + os.Getenv("REDIS_PORT"), PoolSize: pool, PoolTimeout: time.Minute})
	client = &http.Client{Transport: &http.Transport{MaxConnsPerHost: pool, MaxIdleConnsPerHost: pool}}
	go background()
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), router()))
}
