//! axum, sqlx, redis (one connection for all) and reqwest, by the plan of xtask/src/truth/plan.rs, on tokio's threads.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::routing::get;
use redis::AsyncCommands as _;

#[derive(Clone)]
struct Calls {
    database: sqlx::PgPool,
    cache: redis::aio::MultiplexedConnection,
    http: reqwest::Client,
    leaf: String,
}

impl Calls {
    async fn sql(&self, name: &str) {
        let query = format!("SELECT pg_sleep(0.002) AS \"{name}\"");
        if let Err(e) = sqlx::query(&query).fetch_all(&self.database).await {
            println!("{e}");
        }
    }

    async fn get(&self, name: &str) {
        let answer: redis::RedisResult<Option<String>> = self.cache.clone().get(name).await;
        if let Err(e) = answer {
            println!("{e}");
        }
    }

    async fn leaf(&self, name: &str) {
        match self.http.get(format!("{}{name}", self.leaf)).send().await {
            Ok(answer) => drop(answer.bytes().await),
            Err(e) => println!("{e}"),
        }
    }

    async fn work(&self, name: &str, mode: &str) {
        let at = |end: &str| format!("{name}_{end}");
        match mode {
            "sequential" => {
                self.sql(&at("s1")).await;
                self.get(&at("s2")).await;
                self.leaf(&at("s3")).await;
                self.sql(&at("s4")).await;
            }
            "fanout" => {
                let names = [at("f1"), at("f2"), at("f3")];
                let [sql, get, leaf] = &names;
                tokio::join!(self.sql(sql), self.get(get), self.leaf(leaf));
            }
            "timer" => {
                tokio::time::sleep(Duration::from_millis(3)).await;
                self.sql(&at("t1")).await;
                self.get(&at("t2")).await;
                self.leaf(&at("t3")).await;
            }
            _ => {}
        }
    }

    fn stream(self, name: String) -> Body {
        let (parts, body) = tokio::sync::mpsc::channel(1);
        let work = async move {
            let at = |end: &str| format!("{name}_{end}");
            parts.send("o").await.ok();
            self.sql(&at("c1")).await;
            self.get(&at("c2")).await;
            self.leaf(&at("c3")).await;
            parts.send("k\n").await.ok();
        };
        tokio::spawn(work);
        let next = |mut body: tokio::sync::mpsc::Receiver<&'static str>| async move {
            let part = body.recv().await?;
            Some((Ok::<_, std::convert::Infallible>(part), body))
        };
        Body::from_stream(futures_util::stream::unfold(body, next))
    }

    async fn late(&self, name: &str) {
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.sql(&format!("{name}_l1")).await;
        self.get(&format!("{name}_l2")).await;
        self.leaf(&format!("{name}_l3")).await;
    }

    async fn background(self) {
        for number in 0.. {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let name = format!("bg{number}");
            match number % 3 {
                0 => self.sql(&name).await,
                1 => self.get(&name).await,
                _ => self.leaf(&name).await,
            }
        }
    }
}

#[derive(serde::Deserialize)]
struct Asked {
    id: String,
    mode: String,
}

async fn work(State(calls): State<Calls>, Query(asked): Query<Asked>) -> Body {
    if asked.mode == "stream" {
        return calls.stream(asked.id);
    }
    calls.work(&asked.id, &asked.mode).await;
    if asked.mode == "late" {
        // A task of its own, which the answer overtakes.
        tokio::spawn(async move { calls.late(&asked.id).await });
    }
    "ok\n".into()
}

fn port(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", port("POSTGRES_PORT"));
    let redis = redis::Client::open(format!("redis://127.0.0.1:{}/", port("REDIS_PORT")))?;
    let calls = Calls {
        database: sqlx::postgres::PgPoolOptions::new().max_connections(6).connect(&url).await?,
        cache: redis.get_multiplexed_async_connection().await?,
        http: reqwest::Client::new(),
        leaf: format!("http://127.0.0.1:{}/leaf/", port("LEAF_PORT")),
    };
    tokio::spawn(calls.clone().background());
    let app = Router::new().route("/work", get(work)).with_state(calls);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", port("PORT"))).await?;
    Ok(axum::serve(listener, app).await?)
}
