//! One POST of an insert, on a connection of its own.
//!
//! The `clickhouse` crate does not hand out the summary of an insert, and its pool may move a
//! request to another connection. An insert wants neither: the count in the summary decides
//! whether it was fenced, and after a broken connection nothing may be sent again by itself.
//! A connection per insert costs about a tenth of a millisecond, with a few inserts a second.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::endpoint::Inner;
use crate::query::code_of;

/// The most of an answer that is read, bytes. An insert is answered by nothing or by one message,
/// which may quote a row.
const ANSWER_MAX: usize = 1 << 20;

/// What the server said of an insert, all of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// 200 and no exception named.
    pub(crate) good: bool,
    /// ClickHouse's error code; 0 when none was named.
    pub(crate) code: u32,
    /// `written_rows` of the summary.
    pub(crate) written: Option<u64>,
    /// The message.
    pub(crate) message: String,
}

/// Sends `pieces` and waits for the whole answer. `Err`: the reason why there is none, in words;
/// the server may have carried out the request all the same.
pub(crate) async fn post(inner: &Inner, path: &str, pieces: Vec<Bytes>) -> Result<Answer, String> {
    let stream = TcpStream::connect(&inner.authority)
        .await
        .map_err(|error| format!("failed to connect to {}: {error}", inner.authority))?;
    stream.set_nodelay(true).map_err(|error| format!("failed to set up the socket: {error}"))?;
    let broken = |error: hyper::Error| format!("the connection broke: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = request(inner, path, pieces)?;
    let exchange = async move {
        let response = sender.send_request(request).await.map_err(broken)?;
        read(response).await
    };

    // The connection is driven here and not by a task of its own, so that nothing outlives this
    // call: when it is dropped, the socket is closed.
    let mut exchange = pin!(exchange);
    let mut connection = pin!(connection);
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            answer = &mut exchange => return answer,
            // Its error reaches the exchange too.
            _ = &mut connection, if open => open = false,
        }
    }
}

fn request(inner: &Inner, path: &str, pieces: Vec<Bytes>) -> Result<Request<Pieces>, String> {
    let mut builder = Request::post(path)
        .header(http::header::HOST, &inner.authority)
        .header("X-ClickHouse-User", &inner.endpoint.user)
        .header("X-ClickHouse-Key", inner.endpoint.password.expose());
    if let Some((name, secret)) = &inner.endpoint.header {
        builder = builder.header(name, secret.expose());
    }
    builder
        .body(Pieces(pieces.into()))
        .map_err(|error| format!("user, password or header can not be sent: {error}"))
}

async fn read(response: Response<Incoming>) -> Result<Answer, String> {
    let (parts, body) = response.into_parts();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let exception = header("X-ClickHouse-Exception-Code").and_then(|code| code.parse().ok());
    let written = header("X-ClickHouse-Summary").and_then(written_rows);
    let body = Limited::new(body, ANSWER_MAX).collect().await;
    let body = body.map_err(|error| format!("the answer broke off: {error}"))?.to_bytes();
    let message = String::from_utf8_lossy(&body).trim().to_owned();
    // An exception that comes after the head stands in the body of an answer that began well.
    let named = message.starts_with("Code: ") || message.contains("__exception__");
    Ok(Answer {
        good: parts.status == StatusCode::OK && exception.is_none() && !named,
        code: exception.unwrap_or_else(|| code_of(&message)),
        written,
        message: if message.is_empty() { parts.status.to_string() } else { message },
    })
}

/// `written_rows` of `{"read_rows":"0","written_rows":"1000",…}`.
fn written_rows(summary: &str) -> Option<u64> {
    let summary: serde_json::Value = serde_json::from_str(summary).ok()?;
    summary.get("written_rows")?.as_str()?.parse().ok()
}

/// A body that is there already, in pieces.
struct Pieces(VecDeque<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    /// Exact, so that the server knows a body that broke off from one that is whole.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_gives_the_rows_that_were_written() {
        let check = |summary, expect| assert_eq!(written_rows(summary), expect, "{summary}");
        check(r#"{"read_rows":"0","written_rows":"1000","elapsed_ns":"5"}"#, Some(1000));
        check(r#"{"written_rows":"18446744073709551615"}"#, Some(u64::MAX));
        check(r#"{"read_rows":"0"}"#, None);
        check(r#"{"written_rows":"x"}"#, None);
        check("", None);
    }
}
