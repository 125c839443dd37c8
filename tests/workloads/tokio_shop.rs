//! A shop of axum on tokio that asks PostgreSQL, Redis and another server of HTTP for each request, in the request's own name:
//! `tokio-shop PORT POSTGRES REDIS OTHER`. `/KIND/NAME` is a request.
//!
//! - `http`: by a pool of hyper, each of whose connections has a task; `spawn`: the same from a task that the handler starts
//! - `sql`: a connection of its own for each request, by a task that the driver starts; `shared`: all over one connection
//! - `redis`: all over one connection
//! - `block`: a thread for what blocks
//! - `back`: nothing

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::get;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

type Failed = Box<dyn std::error::Error + Send + Sync>;

struct Shop {
    http: Client<HttpConnector, Body>,
    sql: tokio_postgres::Client,
    database: String,
    redis: redis::aio::MultiplexedConnection,
    other: u16,
}

impl Shop {
    async fn handle(self: Arc<Self>, kind: &str, name: String) -> Result<(), Failed> {
        match kind {
            "http" => self.asks(name).await,
            "spawn" => tokio::spawn(async move { self.asks(name).await }).await?,
            "sql" => {
                let (client, connection) = tokio_postgres::connect(&self.database, tokio_postgres::NoTls).await?;
                tokio::spawn(connection);
                client.simple_query(&format!("SELECT 1 AS \"{name}\"")).await?;
                Ok(())
            }
            "shared" => {
                self.sql.simple_query(&format!("SELECT 1 AS \"{name}\"")).await?;
                Ok(())
            }
            "redis" => {
                let mut redis = self.redis.clone();
                redis::cmd("GET").arg(name).query_async::<Option<String>>(&mut redis).await?;
                Ok(())
            }
            "block" => tokio::task::spawn_blocking(move || self.blocks(&name)).await?,
            _ => Ok(()),
        }
    }

    async fn asks(&self, name: String) -> Result<(), Failed> {
        let answer = self.http.get(format!("http://127.0.0.1:{}/back/{name}", self.other).parse()?).await?;
        axum::body::to_bytes(Body::new(answer.into_body()), 1024).await?;
        Ok(())
    }

    fn blocks(&self, name: &str) -> Result<(), Failed> {
        let mut other = std::net::TcpStream::connect(("127.0.0.1", self.other))?;
        write!(other, "GET /back/{name} HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n")?;
        other.read_to_end(&mut Vec::new())?;
        Ok(())
    }
}

async fn answer(State(shop): State<Arc<Shop>>, Path((kind, name)): Path<(String, String)>) -> Result<(), String> {
    shop.handle(&kind, name).await.map_err(|error| error.to_string())
}

#[tokio::main(worker_threads = 4)]
async fn main() -> Result<(), Failed> {
    let ports: Vec<u16> = std::env::args().skip(1).map(|port| port.parse()).collect::<Result<_, _>>()?;
    let [port, database, redis, other] = *ports else { return Err("PORT POSTGRES REDIS OTHER".into()) };
    let database = format!("host=127.0.0.1 port={database} user=postgres dbname=postgres");
    let (sql, connection) = tokio_postgres::connect(&database, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    let redis = redis::Client::open(format!("redis://127.0.0.1:{redis}/"))?.get_multiplexed_async_connection().await?;
    let http = Client::builder(TokioExecutor::new()).build_http();
    let shop = Shop { http, sql, database, redis, other: if other == 0 { port } else { other } };
    let router = Router::new().route("/{kind}/{name}", get(answer)).with_state(Arc::new(shop));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(axum::serve(listener, router).await?)
}
