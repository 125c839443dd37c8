// A service of grpc-go that asks Redis, one that asks that service, and a client of both:
// shop serve PORT REDIS [WORKERS], shop pass PORT NEXT, shop ask PORT AT_ONCE COUNT
//
// The method `/shop.Orders/nN` asks for nN twice: before the message of its client was read, and after. To pass it on is to ask for it three
// times: in the handler, in a goroutine of its own, and over a stream.
package main

import (
	"context"
	"errors"
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

func dial(port string) *grpc.ClientConn {
	return must(grpc.NewClient("127.0.0.1:"+port,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}))))
}

func pass() {
	next := dial(os.Args[3])
	call := func(method string) error {
		message, answer := []byte("order"), []byte(nil)
		return next.Invoke(context.Background(), method, &message, &answer)
	}
	talk := func(method string) error {
		stream, err := next.NewStream(context.Background(), &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method)
		if err != nil {
			return err
		}
		message, answer := []byte("order"), []byte(nil)
		if err := stream.SendMsg(&message); err != nil {
			return err
		}
		must(0, stream.CloseSend())
		return stream.RecvMsg(&answer)
	}
	handle := func(_ any, stream grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(stream)
		var message []byte
		if err := stream.RecvMsg(&message); err != nil {
			return err
		}
		beside := make(chan error)
		go func() { beside <- call(method) }()
		err := errors.Join(call(method), talk(method), <-beside)
		if err != nil {
			return err
		}
		return stream.SendMsg(&message)
	}
	listener := must(net.Listen("tcp", "127.0.0.1:"+os.Args[2]))
	must(0, grpc.NewServer(grpc.ForceServerCodec(raw{}), grpc.UnknownServiceHandler(handle)).Serve(listener))
}

func ask() {
	connection := dial(os.Args[2])
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
	switch os.Args[1] {
	case "serve":
		serve()
	case "pass":
		pass()
	default:
		ask()
	}
}
