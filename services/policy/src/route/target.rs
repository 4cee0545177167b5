//! What the backend gets: its path, its query and its headers, made of the request's path, of
//! constants and of the values of path variables.
//!
//! - Values are raw, percent signs and all. In a query what would end a value there is encoded.
//! - The target begins with one `/`, so that no backend can take its first segment for a host.
//! - A parameter or header of the configuration replaces those of its name that the client sent.

use http::{HeaderName, HeaderValue};

use super::pattern::{Places, first_variable};
use super::raw::{bytes_have_dot_segment, hex};
use super::{Match, Rest};
use crate::service::{Backend, HttpBackend};

/// Text with variables.
#[derive(Debug)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Text(String),
    /// By its place among the variables of the path.
    Variable(usize),
}

/// What is placed into each request to a backend.
#[derive(Debug, Default)]
pub(crate) struct Placed {
    /// The path with its variables; nothing when it has none.
    pub(crate) path: Option<Template>,
    /// Name as in the configuration, the same encoded, value.
    pub(crate) query: Vec<(String, String, Template)>,
    pub(crate) headers: Vec<(HeaderName, Template)>,
}

// === impl Template ===

impl Template {
    /// Reads `text`, in which `{name}` stands for a variable; else gives the name of one that
    /// there is not. Other brackets mean themselves.
    pub(crate) fn parse<'t>(text: &'t str, names: &[String]) -> Result<Self, &'t str> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((at, name)) = first_variable(rest) {
            if at > 0 {
                pieces.push(Piece::Text(rest[..at].to_owned()));
            }
            pieces.push(Piece::Variable(names.iter().position(|n| n == name).ok_or(name)?));
            rest = &rest[at + name.len() + 2..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    pub(crate) fn is_constant(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(_)))
    }

    /// The pieces, with `values` in place of variables.
    fn pieces<'t>(&'t self, values: Values<'t>) -> impl Iterator<Item = &'t str> + Clone {
        self.0.iter().map(move |piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Variable(number) => values.get(*number),
        })
    }
}

/// The values of the variables of one request.
#[derive(Clone, Copy)]
pub(super) struct Values<'r> {
    uri: &'r str,
    places: Places,
}

impl<'r> Values<'r> {
    fn get(&self, number: usize) -> &'r str {
        let uri = self.uri;
        let at = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
        let place = self.places.get(number).map(|(from, to)| at(*from)..at(*to));
        place.and_then(|place| uri.get(place)).unwrap_or_default()
    }
}

// === impl Match ===

impl<'p> Match<'p> {
    /// The request target for the backend: `path`, the one that was routed, mapped onto the
    /// backend's, and `query` with what the configuration places there. A mock has none: `/`.
    pub fn target(&self, path: &str, query: Option<&str>) -> String {
        let backend = self.http();
        let base = backend.map_or("", |http| http.base.as_str());
        let room = base.len() + path.len() + query.map_or(0, str::len) + 1;
        let mut target = String::with_capacity(room);
        match (self.rest, backend.and_then(|http| http.placed.path.as_ref())) {
            (Rest::From(cut), _) => join(&mut target, base, path.get(cut..).unwrap_or_default()),
            (Rest::None, Some(template)) => {
                target.push('/');
                for piece in template.pieces(self.values(path)) {
                    let begun = target.len() > 1;
                    target.push_str(if begun { piece } else { piece.trim_start_matches('/') });
                }
            }
            (Rest::None, None) => target.push_str(if base.is_empty() { "/" } else { base }),
        }
        match backend.map(|http| &http.placed).filter(|placed| !placed.query.is_empty()) {
            Some(placed) => placed.push_query(&mut target, query, self.values(path)),
            None => {
                if let Some(query) = query {
                    target.push('?');
                    target.push_str(query);
                }
            }
        }
        target
    }

    /// The headers that the configuration places into the request to the backend. They replace
    /// those of their name.
    pub fn headers<'r>(
        &'r self,
        path: &'r str,
    ) -> impl Iterator<Item = (&'p HeaderName, HeaderValue)> + 'r {
        let placed = self.http().map_or(&[][..], |http| &http.placed.headers);
        // Without headers, which is the rule, nothing is looked for.
        let values = (!placed.is_empty()).then(|| self.values(path));
        placed.iter().filter_map(move |(name, template)| {
            let text: String = template.pieces(values?).collect();
            // A path that came through HTTP has nothing that a value can not have.
            HeaderValue::from_bytes(text.as_bytes()).ok().map(|value| (name, value))
        })
    }

    /// The value of the path variable `name` in `path`, the one that was routed; raw.
    pub fn variable<'r>(&self, path: &'r str, name: &str) -> Option<&'r str> {
        let number = self.entry.names().iter().position(|known| known == name)?;
        Some(self.values(path).get(number))
    }

    /// True when what the backend gets would have a dot segment that the request's path has not:
    /// behind a prefix that ends within a segment (`/a` and `/a../b`), or put together of
    /// variables.
    pub(super) fn makes_dot_segment(&self, path: &str) -> bool {
        match self.rest {
            Rest::From(cut) => {
                let rest = path.get(cut..).unwrap_or_default();
                rest.starts_with(['.', '%']) && bytes_have_dot_segment(rest.bytes())
            }
            Rest::None => {
                let template = self.http().and_then(|http| http.placed.path.as_ref());
                template.is_some_and(|template| {
                    let pieces = template.pieces(self.values(path));
                    bytes_have_dot_segment(pieces.flat_map(str::bytes))
                })
            }
        }
    }

    fn http(&self) -> Option<&'p HttpBackend> {
        match &self.api.backend {
            Backend::Http(http) => Some(http),
            Backend::Mock(_) => None,
        }
    }

    fn values<'r>(&self, path: &'r str) -> Values<'r> {
        let uri = path.get(self.uri_at..).unwrap_or_default();
        Values { uri, places: self.entry.places(uri).unwrap_or_default() }
    }
}

// === impl Placed ===

impl Placed {
    fn push_query(&self, target: &mut String, query: Option<&str>, values: Values<'_>) {
        let mut mark = '?';
        let mut next = |target: &mut String| {
            target.push(mark);
            mark = '&';
        };
        for pair in query.into_iter().flat_map(|query| query.split('&')) {
            let name = pair.split('=').next().unwrap_or_default();
            let replaced = |(ours, ..): &(String, String, Template)| means(name, ours);
            if !pair.is_empty() && !self.query.iter().any(replaced) {
                next(target);
                target.push_str(pair);
            }
        }
        for (_, name, template) in &self.query {
            next(target);
            target.push_str(name);
            target.push('=');
            for piece in &template.0 {
                match piece {
                    Piece::Text(encoded) => target.push_str(encoded),
                    Piece::Variable(number) => encode(target, values.get(*number), true),
                }
            }
        }
    }
}

/// Whether `raw`, the name of a parameter as received, means `name`.
fn means(raw: &str, name: &str) -> bool {
    let mut rest = raw.bytes();
    let decoded = std::iter::from_fn(|| {
        let first = rest.next()?;
        if first == b'+' {
            return Some(b' ');
        }
        let mut ahead = rest.clone();
        if first == b'%'
            && let (Some(high), Some(low)) =
                (ahead.next().and_then(hex), ahead.next().and_then(hex))
        {
            rest = ahead;
            return Some(high << 4 | low);
        }
        Some(first)
    });
    decoded.eq(name.bytes())
}

/// Appends `text` for a query; percent signs stay if the text is encoded already.
pub(crate) fn encode(target: &mut String, text: &str, is_encoded: bool) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if plain || (is_encoded && byte == b'%') {
            target.push(char::from(byte));
        } else {
            target.push('%');
            target.push(DIGITS[usize::from(byte >> 4)]);
            target.push(DIGITS[usize::from(byte & 15)]);
        }
    }
}

impl Template {
    /// The same with its fixed pieces encoded for a query.
    pub(crate) fn for_query(mut self) -> Self {
        for piece in &mut self.0 {
            if let Piece::Text(text) = piece {
                let mut encoded = String::new();
                encode(&mut encoded, text, false);
                *text = encoded;
            }
        }
        self
    }
}

/// Appends `base` and `rest` with exactly one `/` between them; without rest, `base` as written.
fn join(target: &mut String, base: &str, rest: &str) {
    if rest.is_empty() {
        target.push_str(if base.is_empty() { "/" } else { base });
        return;
    }
    target.push_str(base.trim_end_matches('/'));
    target.push('/');
    target.push_str(rest.trim_start_matches('/'));
}
