//! Text to tree. Everything that a configuration does not need is refused here, with its line.

use saphyr_parser::{Event, Parser, ScalarStyle};

use crate::{Mistake, Sink, Value};

/// A configuration with ten thousand APIs is about 5 MB.
const BYTES_MAX: usize = 16 << 20;
/// Deeper than any text of ours; bounds the stack.
const DEPTH_MAX: usize = 32;
/// Bounds memory for hostile texts of many tiny nodes.
const NODES_MAX: usize = 2_000_000;

/// A parsed text. Empty (a null root) when the text could not be parsed.
#[derive(Debug)]
pub struct Document {
    file: String,
    root: Node,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Null,
    /// `plain` is false for quoted and block scalars, which are always text.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) value: Node,
}

impl Document {
    /// Parses one YAML document. Mistakes of syntax go to `sink`, with `file` as its name.
    pub fn parse(file: &str, text: &str, sink: &Sink) -> Option<Self> {
        let add = |line: usize, text: String| {
            sink.add(Mistake { file: file.to_owned(), line, path: String::new(), text });
        };
        if text.len() > BYTES_MAX {
            add(1, format!("the text has {} bytes; at most {BYTES_MAX} are read", text.len()));
            return None;
        }
        match Builder::build(text) {
            Ok(root) => Some(Self { file: file.to_owned(), root }),
            Err(Refused { line, text }) => {
                add(line, text);
                None
            }
        }
    }

    /// The whole document, to be walked.
    pub fn root<'d>(&'d self, sink: &'d Sink) -> Value<'d> {
        Value::new(&self.file, &self.root, sink)
    }
}

struct Refused {
    line: usize,
    text: String,
}

/// A container whose end has not come yet.
enum Open {
    List { line: usize, items: Vec<Node> },
    Map { line: usize, entries: Vec<Entry>, key: Option<(String, usize)> },
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
}

impl Builder {
    fn build(text: &str) -> Result<Node, Refused> {
        let mut builder = Self::default();
        // The parser places what is missing at the end in a line that is not there.
        let last = text.lines().count().max(1);
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|error| Refused {
                line: error.marker().line().min(last),
                text: format!("not valid YAML: {}", error.info()),
            })?;
            builder.take(event, span.start.line().min(last))?;
        }
        Ok(builder.root.unwrap_or(Node { line: 1, kind: Kind::Null }))
    }

    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), Refused> {
        let refuse = |text: &str| Err(Refused { line, text: text.to_owned() });
        match event {
            Event::Alias(_) => refuse("aliases are not supported: write the value out"),
            Event::Scalar(_, _, 1.., _)
            | Event::SequenceStart(1.., _)
            | Event::MappingStart(1.., _) => {
                refuse("anchors are not supported: write the value out where it is needed")
            }
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => refuse("tags are not supported"),
            Event::DocumentStart(_) if self.root.is_some() => {
                refuse("one document per file: a second `---` is not supported")
            }
            Event::Scalar(text, style, 0, None) => {
                let plain = style == ScalarStyle::Plain;
                self.scalar(text.into_owned(), plain, line)
            }
            Event::SequenceStart(0, None) => {
                self.push(Open::List { line, items: Vec::new() }, line)
            }
            Event::MappingStart(0, None) => {
                self.push(Open::Map { line, entries: Vec::new(), key: None }, line)
            }
            Event::SequenceEnd | Event::MappingEnd => self.pop(),
            _ => Ok(()),
        }
    }

    fn push(&mut self, open: Open, line: usize) -> Result<(), Refused> {
        if self.open.len() >= DEPTH_MAX {
            let text = format!("nested deeper than {DEPTH_MAX} levels");
            return Err(Refused { line, text });
        }
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            return Err(Refused { line, text: "a key must be a plain text".to_owned() });
        }
        self.open.push(open);
        Ok(())
    }

    fn pop(&mut self) -> Result<(), Refused> {
        let node = match self.open.pop() {
            Some(Open::List { line, items }) => Node { line, kind: Kind::List(items) },
            Some(Open::Map { line, entries, .. }) => Node { line, kind: Kind::Map(entries) },
            None => return Ok(()),
        };
        self.attach(node)
    }

    fn scalar(&mut self, text: String, plain: bool, line: usize) -> Result<(), Refused> {
        if let Some(Open::Map { key: key @ None, entries, .. }) = self.open.last_mut() {
            if let Some(first) = entries.iter().find(|entry| entry.key == text) {
                let text = format!("the key `{text}` stands twice, first in line {}", first.line);
                return Err(Refused { line, text });
            }
            *key = Some((text, line));
            return Ok(());
        }
        let null = plain && matches!(text.as_str(), "" | "~" | "null");
        let kind = if null { Kind::Null } else { Kind::Scalar { text, plain } };
        self.attach(Node { line, kind })
    }

    fn attach(&mut self, node: Node) -> Result<(), Refused> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            let text = format!("more than {NODES_MAX} values");
            return Err(Refused { line: node.line, text });
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => {
                let (key, line) = key.take().expect("a value in a mapping follows its key");
                entries.push(Entry { key, line, value: node });
            }
        }
        Ok(())
    }
}
