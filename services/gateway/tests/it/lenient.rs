//! A server that forgives what two servers forgive differently, and so can be fooled.
//!
//! It is the naive second reader of the tests of smuggling: what it takes for a request behind a
//! body, a gateway that passes the same bytes on would have let through.

use std::io;
use std::sync::{Arc, Mutex};

use crate::backend::Backend;

/// What the server makes of a request that says its length in no clear way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Belief {
    /// Anything that mentions chunks is chunked, whatever the length.
    Chunks,
    /// The first length, whatever the coding.
    Length,
    /// The last length.
    LastLength,
    /// One plain length; what is odd is no length.
    NoBody,
    /// As chunks, and a bare CR ends a line.
    BareCr,
}

impl Belief {
    pub const ALL: [Self; 5] =
        [Self::Chunks, Self::Length, Self::LastLength, Self::NoBody, Self::BareCr];

    /// The targets of the requests that the server sees in `bytes`, as far as they are whole.
    pub fn targets(self, bytes: &[u8]) -> Vec<String> {
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let (mut rest, mut targets) = (text.as_str(), Vec::new());
        while let Some((target, after)) = self.request(rest) {
            targets.push(target);
            rest = after;
        }
        targets
    }

    fn request(self, text: &str) -> Option<(String, &str)> {
        let text = text.trim_start_matches(['\r', '\n']);
        let (line, mut rest) = self.line(text)?;
        let target = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let mut headers: Vec<(String, String)> = Vec::new();
        loop {
            let (line, after) = self.line(rest)?;
            rest = after;
            if line.is_empty() {
                break;
            }
            match (line.split_once(':'), headers.last_mut()) {
                (_, Some((_, value))) if line.starts_with([' ', '\t']) => {
                    value.push_str(line.trim());
                }
                (Some((name, value)), _) => {
                    headers.push((
                        name.trim().to_lowercase(),
                        value.trim_matches([' ', '\t']).to_lowercase(),
                    ));
                }
                (None, _) => {}
            }
        }
        Some((target, self.body(&headers, rest)?))
    }

    /// What comes after the body.
    fn body<'t>(self, headers: &[(String, String)], text: &'t str) -> Option<&'t str> {
        let named = |name: &'static str| {
            headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
        };
        let lengths: Vec<&str> = named("content-length").flat_map(|all| all.split(',')).collect();
        let loose = |length: &&str| length.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok();
        let chunked = named("transfer-encoding").any(|coding| coding.contains("chunked"));
        let length: usize = match self {
            Self::Chunks | Self::BareCr if chunked => return self.chunks(text),
            Self::Chunks | Self::BareCr | Self::Length => lengths.first().and_then(loose),
            Self::LastLength => lengths.last().and_then(loose),
            Self::NoBody => match lengths.as_slice() {
                [one] if one.len() <= 18 && one.bytes().all(|byte| byte.is_ascii_digit()) => {
                    one.parse().ok()
                }
                _ => None,
            },
        }
        .unwrap_or(0);
        text.get(length..)
    }

    fn chunks(self, mut text: &str) -> Option<&str> {
        loop {
            let (line, rest) = self.line(text)?;
            let digits = line.trim().trim_start_matches("0x").trim_start_matches('+');
            let end = digits.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(digits.len());
            let size = usize::from_str_radix(&digits[..end], 16).unwrap_or(0);
            if size == 0 {
                text = rest;
                break;
            }
            // Whatever stands up to the end of the line is forgiven.
            text = self.line(rest.get(size..)?)?.1;
        }
        loop {
            let (line, rest) = self.line(text)?;
            text = rest;
            if line.is_empty() {
                return Some(text);
            }
        }
    }

    fn line(self, text: &str) -> Option<(&str, &str)> {
        let end = text.find(|c| c == '\n' || (c == '\r' && self == Self::BareCr))?;
        let after = &text[end + 1..];
        let after = after.strip_prefix('\n').filter(|_| text[end..].starts_with('\r'));
        Some((text[..end].trim_end_matches('\r'), after.unwrap_or(&text[end + 1..])))
    }
}

/// A server of that belief, and the targets that it was asked for.
pub fn backend(belief: Belief) -> (Backend, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let all = asked.clone();
    let backend = Backend::start(move |mut peer| {
        let (mut bytes, mut answered) = (Vec::new(), 0);
        loop {
            peer.more()?;
            bytes.append(&mut peer.unread());
            let targets = belief.targets(&bytes);
            for target in &targets[answered..] {
                all.lock().map_err(|_| io::ErrorKind::Other)?.push(target.clone());
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nfooled")?;
            }
            answered = targets.len();
        }
    });
    (backend, asked)
}
