// A service of grpc-go that asks Redis, and a client of it: shop serve PORT REDIS [WORKERS], shop ask PORT AT_ONCE COUNT
//
// The method `/shop.Orders/nN` asks for nN twice: before the message of its client was read, and after.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Messages as they are.
type raw struct{}

func (raw) Marshal(value any) ([]byte, error) { return *value.(*[]byte), nil }
func (raw) Unmarshal(data []byte, value any) error {
	*value.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "raw" }

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func number(at int) int { return must(strconv.Atoi(os.Args[at])) }

func serve() {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + os.Args[3], PoolSize: 64})
	get := func(ctx context.Context, key string) error {
		if err := client.Get(ctx, key).Err(); err != redis.Nil {
			return err
		}
		return nil
	}
	handle := func(_ any, stream grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(stream)
		key := method[strings.LastIndex(method, "/")+1:]
		if err := get(stream.Context(), key); err != nil {
			return err
		}
		var message []byte
		if err := stream.RecvMsg(&message); err != nil {
			return err
		}
		if err := get(stream.Context(), key); err != nil {
			return err
		}
		return stream.SendMsg(&message)
	}
	options := []grpc.ServerOption{grpc.ForceServerCodec(raw{}), grpc.UnknownServiceHandler(handle)}
	if len(os.Args) > 4 {
		options = append(options, grpc.NumStreamWorkers(uint32(number(4))))
	}
	listener := must(net.Listen("tcp", "127.0.0.1:"+os.Args[2]))
	must(0, grpc.NewServer(options...).Serve(listener))
}

func ask() {
	connection := must(grpc.NewClient("127.0.0.1:"+os.Args[2],
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}))))
	numbers := make(chan int)
	var all sync.WaitGroup
	for range number(3) {
		all.Add(1)
		go func() {
			defer all.Done()
			for n := range numbers {
				message := []byte("order")
				var answer []byte
				must(0, connection.Invoke(context.Background(), fmt.Sprintf("/shop.Orders/n%d", n), &message, &answer))
			}
		}()
	}
	for n := range number(4) {
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
