// An account's balance from PostgreSQL and its currency from Redis: net/http, pgx and go-redis.
// With OTEL_EXPORTER_OTLP_ENDPOINT in its environment it instruments itself, as Go programs have to.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strconv"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
)

func main() {
	ctx := context.Background()
	traced := os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != ""
	config := must(pgxpool.ParseConfig("host=127.0.0.1 user=postgres database=postgres port=" + os.Getenv("POSTGRES_PORT")))
	cache := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + os.Getenv("REDIS_PORT")})
	if traced {
		spans := must(otlptracehttp.New(ctx))
		otel.SetTracerProvider(trace.NewTracerProvider(trace.WithBatcher(spans)))
		reader := metric.NewPeriodicReader(must(otlpmetrichttp.New(ctx)))
		otel.SetMeterProvider(metric.NewMeterProvider(metric.WithReader(reader)))
		config.ConnConfig.Tracer = otelpgx.NewTracer()
		check(redisotel.InstrumentTracing(cache))
		check(redisotel.InstrumentMetrics(cache))
	}
	sql := must(pgxpool.NewWithConfig(ctx, config))

	mux := http.NewServeMux()
	mux.HandleFunc("GET /accounts/{number}", func(answer http.ResponseWriter, request *http.Request) {
		number, err := strconv.Atoi(request.PathValue("number"))
		var balance int
		if err == nil {
			query := "SELECT abalance FROM pgbench_accounts WHERE aid = $1"
			err = sql.QueryRow(request.Context(), query, number).Scan(&balance)
		}
		var currency string
		if err == nil {
			currency, err = cache.Get(request.Context(), "currency").Result()
		}
		if err != nil {
			http.Error(answer, err.Error(), http.StatusInternalServerError)
			return
		}
		answer.Header().Set("Content-Type", "application/json")
		json.NewEncoder(answer).Encode(map[string]any{"account": number, "balance": balance, "currency": currency})
	})
	var handler http.Handler = mux
	if traced {
		handler = otelhttp.NewHandler(mux, "accounts")
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), handler))
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
