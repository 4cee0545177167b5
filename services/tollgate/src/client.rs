//! The command line's way to the query API: which server, as whom, and one request at a time.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::cli::{Language, Server};
use crate::running::Running;

/// An answer of the API is a page; more than this is not read.
const ANSWER_MAX: usize = 64 << 20;
/// A look-up that takes longer has failed for a person who waits.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// A server and a token to ask it with.
#[derive(Debug)]
pub(crate) struct Client {
    host: String,
    token: settings::Secret,
    language: Language,
}

impl Client {
    /// From the flags or environment; else from the running `tollgate up` of the data folder.
    ///
    /// # Errors
    /// One sentence that says what is missing and how to give it.
    pub(crate) fn find(server: &Server) -> anyhow::Result<Self> {
        let query = || {
            let said = Running::read_role(&server.data, "query")?;
            let word = |key: &str| Some(said.get(key)?.as_str()?.to_owned());
            Some((word("url")?, settings::Secret::new(word("token")?)))
        };
        let running = || {
            let up = Running::read(&server.data)?.map(|running| (running.url, running.token));
            up.or_else(query).with_context(|| {
                format!(
                    "no `tollgate up` runs on the data folder `{}`: name another one with --data, \
                     or set TOLLGATE_URL and TOLLGATE_TOKEN",
                    server.data.display()
                )
            })
        };
        let (url, token) = match (&server.url, &server.token) {
            (Some(url), Some(token)) => (url.clone(), settings::Secret::new(token)),
            (Some(_), None) => bail!("TOLLGATE_URL is set, but no token: set TOLLGATE_TOKEN too"),
            (None, Some(token)) => (running()?.0, settings::Secret::new(token)),
            (None, None) => running()?,
        };
        let host = url
            .strip_prefix("http://")
            .ok_or_else(|| anyhow!("`{url}` is not an address that begins with http://"))?;
        Ok(Self { host: host.trim_end_matches('/').to_owned(), token, language: Language::En })
    }

    /// A client for a server of this process.
    pub(crate) fn new(host: String, token: settings::Secret) -> Self {
        Self { host, token, language: Language::En }
    }

    /// Whatever it is answered in words, in this language.
    pub(crate) fn speaking(self, language: Language) -> Self {
        Self { language, ..self }
    }

    /// `GET path`, the answer as JSON.
    ///
    /// # Errors
    /// The problem's own words when the server refuses.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = tokio::time::timeout(WAIT_MAX, self.fetch(path));
        let (status, body) = answer
            .await
            .map_err(|_| anyhow!("no answer from http://{} within a minute", self.host))??;
        let json: Value = serde_json::from_slice(&body)
            .with_context(|| format!("the answer of http://{}{path} is no JSON", self.host))?;
        if status.is_success() {
            return Ok(json);
        }
        let word = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
        let (title, detail) = (word("title"), word("detail"));
        Err(match detail {
            "" => anyhow!("{title} ({status})"),
            detail => anyhow!("{title}: {detail}"),
        })
    }

    async fn fetch(&self, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        let socket = TcpStream::connect(&self.host).await.map_err(|error| {
            anyhow!(
                "no server answers at http://{} ({}): start `tollgate up`, or set TOLLGATE_URL to \
                 where it runs",
                self.host,
                error.kind()
            )
        })?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
        let request = Request::builder()
            .method(Method::GET)
            .uri(path)
            .header("host", &self.host)
            .header("accept-language", self.language.as_str())
            .header("authorization", format!("Bearer {}", self.token.expose()))
            .body(Empty::<Bytes>::new())?;
        let exchange = async {
            let answer = sender.send_request(request).await?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, ANSWER_MAX)
                .collect()
                .await
                .map_err(|error| anyhow!("the answer could not be read: {error}"))?;
            // Ends the connection, and with it the other half of the join.
            drop(sender);
            anyhow::Ok((head.status, body.to_bytes()))
        };
        let (answer, connection) = tokio::join!(exchange, connection);
        connection.context("the connection broke")?;
        answer
    }
}

/// Encodes one segment of a path: everything but letters, digits, `-`, `_`, `.` and `~`.
pub(crate) fn segment(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => write!(out, "%{byte:02X}").expect("writing to a string"),
        }
    }
    out
}
