//! What stands in for HashiCorp Vault: the three calls of its Transit engine, its tokens, its errors. Plaintexts are kept in
//! memory under random ciphertexts, so that nothing can be read off them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use data_encoding::BASE64;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

pub const TOKEN: &str = "hvs.voorbeeld-token";
const ENGINE: &str = "/v1/engines/transit/";

struct Engine {
    version: u32,
    oldest: u32,
    kept: HashMap<String, String>,
    asked: Vec<String>,
    /// What is answered whatever is asked; 0 for nothing at all.
    always: Option<u16>,
}

/// It serves until the test is over.
pub struct StandIn {
    pub address: String,
    pub certificate: Option<String>,
    engine: Arc<Mutex<Engine>>,
    _runtime: tokio::runtime::Runtime,
}

impl StandIn {
    pub fn plain() -> Self {
        Self::start(None)
    }

    pub fn tls() -> Self {
        Self::start(Some(generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap()))
    }

    fn start(certified: Option<CertifiedKey<rcgen::KeyPair>>) -> Self {
        let engine = Engine { version: 1, oldest: 1, kept: HashMap::new(), asked: Vec::new(), always: None };
        let engine = Arc::new(Mutex::new(engine));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let scheme = if certified.is_some() { "https" } else { "http" };
        let address = format!("{scheme}://{}", listener.local_addr().unwrap());
        let certificate = certified.as_ref().map(|certified| certified.cert.pem());
        let acceptor = certified.map(|certified| {
            let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
            let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(vec![certified.cert.der().clone()], key);
            TlsAcceptor::from(Arc::new(config.unwrap()))
        });
        let shared = engine.clone();
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (engine, acceptor) = (shared.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => drop(attend(stream, &engine).await),
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                drop(attend(stream, &engine).await);
                            }
                        }
                    }
                });
            }
        });
        Self { address, certificate, engine, _runtime: runtime }
    }

    fn with<R>(&self, work: impl FnOnce(&mut Engine) -> R) -> R {
        work(&mut self.engine.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Method, path and namespace of every request.
    pub fn asked(&self) -> Vec<String> {
        self.with(|engine| engine.asked.clone())
    }

    pub fn answer(&self, always: Option<u16>) {
        self.with(|engine| engine.always = always);
    }

    pub fn rotate(&self) {
        self.with(|engine| engine.version += 1);
    }

    pub fn forget_before(&self, version: u32) {
        self.with(|engine| engine.oldest = version);
    }
}

async fn attend(stream: impl AsyncRead + AsyncWrite + Unpin, engine: &Mutex<Engine>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut headers = HashMap::new();
    let mut first = String::new();
    stream.read_line(&mut first).await?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let path = first.rsplit_once(' ').map_or("", |(path, _)| path);
    let (status, answer) = {
        let mut engine = engine.lock().unwrap_or_else(PoisonError::into_inner);
        engine.asked.push(format!("{path} {}", headers.get("x-vault-namespace").map_or("-", String::as_str)));
        let question = serde_json::from_slice(&body).unwrap_or_default();
        engine.answer(path.trim_start_matches("POST "), headers.get("x-vault-token"), &question)
    };
    if status == 0 {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let answer = answer.to_string();
    let head =
        format!("HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", answer.len());
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(answer.as_bytes()).await?;
    stream.flush().await
}

fn errors(status: u16, why: &str) -> (u16, Value) {
    (status, json!({ "errors": [why] }))
}

impl Engine {
    fn answer(&mut self, path: &str, token: Option<&String>, question: &Value) -> (u16, Value) {
        if let Some(status) = self.always {
            return errors(status, "words of the service");
        }
        let Some((verb, "kluis")) = path.strip_prefix(ENGINE).and_then(|rest| rest.split_once('/')) else {
            return errors(404, "no handler for route");
        };
        if token.map(String::as_str) != Some(TOKEN) {
            return errors(403, "permission denied");
        }
        let text = |name: &str| question[name].as_str().unwrap_or_default().to_owned();
        let plaintext = if verb == "encrypt" { Some(text("plaintext")) } else { self.opened(&text("ciphertext")) };
        let Some(plaintext) = plaintext.filter(|plaintext| BASE64.decode(plaintext.as_bytes()).is_ok()) else {
            return errors(400, "invalid ciphertext: unable to decrypt");
        };
        let data = match verb {
            "decrypt" => json!({ "plaintext": plaintext }),
            "encrypt" | "rewrap" => json!({ "ciphertext": self.keep(plaintext), "key_version": self.version }),
            _ => return errors(404, "unsupported path"),
        };
        (200, json!({ "request_id": "1", "lease_id": "", "renewable": false, "data": data, "warnings": null }))
    }

    fn opened(&self, ciphertext: &str) -> Option<String> {
        let version: u32 = ciphertext.strip_prefix("vault:v")?.split(':').next()?.parse().ok()?;
        (version >= self.oldest).then(|| self.kept.get(ciphertext).cloned())?
    }

    fn keep(&mut self, plaintext: String) -> String {
        let mut random = [0; 60];
        SystemRandom::new().fill(&mut random).unwrap();
        let ciphertext = format!("vault:v{}:{}", self.version, BASE64.encode(&random));
        self.kept.insert(ciphertext.clone(), plaintext);
        ciphertext
    }
}
