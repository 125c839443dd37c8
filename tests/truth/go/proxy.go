// httputil.ReverseProxy: proxy PORT UPSTREAM_PORT
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
)

func main() {
	upstream := &url.URL{Scheme: "http", Host: "127.0.0.1:" + os.Args[2]}
	proxy := httputil.NewSingleHostReverseProxy(upstream)
	proxy.Transport = &http.Transport{MaxConnsPerHost: 24, MaxIdleConnsPerHost: 24}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], proxy))
}
