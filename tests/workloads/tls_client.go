// TLS with Go: tls_client ADDRESS PORT NAME CA VERSION full|resumed COUNT
// Prints one line of JSON for each connection, by this program's own clock.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	address, port, name, authority, version, mode := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6]
	count, err := strconv.Atoi(os.Args[7])
	check(err)
	pem, err := os.ReadFile(authority)
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	number := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}[version]
	config := &tls.Config{RootCAs: roots, ServerName: name, MinVersion: number, MaxVersion: number}
	if mode == "resumed" {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	}
	for n := 0; n < count; n++ {
		begin := time.Now()
		plain, err := net.Dial("tcp", net.JoinHostPort(address, port))
		check(err)
		connected := time.Now()
		connection := tls.Client(plain, config)
		check(connection.Handshake())
		ready := time.Now()
		_, err = io.WriteString(connection, "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
		check(err)
		_, err = io.Copy(io.Discard, connection)
		check(err)
		fmt.Printf("{\"connect\": %.9f, \"handshake\": %.9f, \"resumed\": %v}\n",
			connected.Sub(begin).Seconds(), ready.Sub(connected).Seconds(), connection.ConnectionState().DidResume)
		connection.Close()
	}
}
