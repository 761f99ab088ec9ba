//! Keep-alive connections to a server on this machine, each asking one thing after the other.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Result;
use crate::limit::view::TENANT;
use crate::world::Place;

/// One request that both programs understand.
#[derive(Clone)]
pub struct Ask {
    pub method: Method,
    pub path: String,
    pub body: Option<Bytes>,
}

pub struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Asks as the manager of a place; gives status and body.
    pub async fn ask(&mut self, place: &Place, ask: &Ask) -> Result<(StatusCode, Bytes)> {
        let request = Request::builder()
            .method(&ask.method)
            .uri(&ask.path)
            .header("host", "localhost")
            .header(AUTHORIZATION, &place.authorization)
            .header(TENANT, &place.tenant)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(ask.body.clone().unwrap_or_default()))?;
        self.0.ready().await?;
        let answer = self.0.send_request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

/// How long each request took, in the order in which they were answered.
pub async fn ask_all(address: SocketAddr, connections: usize, asks: Vec<(Place, Ask)>) -> Result<Vec<Duration>> {
    let mut queues: Vec<Vec<(Place, Ask)>> = (0..connections).map(|_| Vec::new()).collect();
    for (number, ask) in asks.into_iter().enumerate() {
        queues[number % connections].push(ask);
    }
    let mut tasks = tokio::task::JoinSet::new();
    for queue in queues {
        tasks.spawn(ask_queue(address, queue));
    }
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    Ok(times)
}

async fn ask_queue(address: SocketAddr, queue: Vec<(Place, Ask)>) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(address).await?;
    let mut times = Vec::with_capacity(queue.len());
    for (place, ask) in &queue {
        let start = Instant::now();
        let (status, body) = connection.ask(place, ask).await?;
        times.push(start.elapsed());
        if !status.is_success() {
            return Err(format!("{} {}: {status} {}", ask.method, ask.path, String::from_utf8_lossy(&body)).into());
        }
    }
    Ok(times)
}
