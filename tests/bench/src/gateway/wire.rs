//! Requests and answers as bytes, for the clients that are written here.

use anyhow::{Result, ensure};

use super::load::Request;

/// A request without a body.
pub(super) fn request(request: &Request) -> Vec<u8> {
    let mut text = format!("GET {} HTTP/1.1\r\n", request.target());
    for header in &request.headers {
        text.push_str(&format!("{header}\r\n"));
    }
    (text + "\r\n").into_bytes()
}

/// Bytes of the answer that begins here, once its head is whole.
///
/// # Errors
/// It is not 200, or does not say its length.
pub(super) fn length(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..end]);
    ensure!(head.starts_with("HTTP/1.1 200"), "an answer is not 200: {head}");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    ensure!(length.is_some(), "an answer does not say its length: {head}");
    Ok(length.map(|length| end + 4 + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_where_it_ends() {
        let head = b"HTTP/1.1 200 OK\r\nDate: today\r\nContent-length: 5\r\n\r\nab";
        assert_eq!(length(head).expect("an answer"), Some(head.len() + 3));
        assert_eq!(length(&head[..40]).expect("a beginning"), None);
        assert!(length(b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n").is_err());
        assert!(length(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
