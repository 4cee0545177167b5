//! Walking the tree: values, mappings, lists. Whoever asks gets a typed value, or nothing and
//! a mistake in the sink.

use std::cell::RefCell;

use crate::scalar::Scalar;
use crate::secret::{Resolve, Secret, reference};
use crate::tree::{Entry, Kind, Node};
use crate::{Mistake, Sink};

/// One place of the tree, with the path that leads to it.
#[derive(Debug, Clone)]
pub struct Value<'d> {
    file: &'d str,
    node: &'d Node,
    path: String,
    sink: &'d Sink,
    apart: bool,
}

/// A mapping whose keys are taken one after the other. Call [`Fields::close`] at the end: keys
/// that nobody took are mistakes.
#[derive(Debug)]
pub struct Fields<'d> {
    file: &'d str,
    line: usize,
    path: String,
    entries: &'d [Entry],
    taken: RefCell<Vec<&'static str>>,
    sink: &'d Sink,
    apart: bool,
}

// === impl Value ===

impl<'d> Value<'d> {
    pub(crate) fn new(file: &'d str, node: &'d Node, sink: &'d Sink) -> Self {
        Self { file, node, path: String::new(), sink, apart: false }
    }

    /// 1-based line of the value.
    pub fn line(&self) -> usize {
        self.node.line
    }

    /// The path of keys that leads here.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// True for an empty value or `null`.
    pub fn is_null(&self) -> bool {
        matches!(self.node.kind, Kind::Null)
    }

    /// True for a mapping, for places that accept more than one shape.
    pub fn is_map(&self) -> bool {
        matches!(self.node.kind, Kind::Map(_))
    }

    /// Adds a mistake at this place.
    pub fn mistake(&self, text: impl Into<String>) {
        add(self.sink, self.apart, self.at(text.into()));
    }

    /// The same value as a part that can be left out: what its reader finds wrong in it, by
    /// `mistake`, is a fault. What has another shape or type than the reader expects, and keys that
    /// it does not know, are mistakes as everywhere.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { apart: true, ..self.clone() }
    }

    /// How many faults were found so far, wherever. A reader that compares it before and after a
    /// part knows whether that is faulty.
    pub fn faults(&self) -> usize {
        self.sink.faults()
    }

    /// The value as a mapping.
    pub fn fields(&self) -> Option<Fields<'d>> {
        let Kind::Map(entries) = &self.node.kind else {
            self.misshapen(format!("expected a mapping (`key: value`), found {}", self.shape()));
            return None;
        };
        Some(Fields {
            file: self.file,
            line: self.node.line,
            path: self.path.clone(),
            entries,
            taken: RefCell::default(),
            sink: self.sink,
            apart: self.apart,
        })
    }

    /// The value as a list; empty, with a mistake, when it is something else.
    pub fn items(&self) -> Vec<Value<'d>> {
        let Kind::List(items) = &self.node.kind else {
            self.misshapen(format!("expected a list (`- item`), found {}", self.shape()));
            return Vec::new();
        };
        let item = |(index, node)| self.child(node, format!("{}[{index}]", self.path));
        items.iter().enumerate().map(item).collect()
    }

    /// The value as a mapping with keys of the user's choice, in their order.
    pub fn entries(&self) -> Vec<(&'d str, Value<'d>)> {
        let Kind::Map(entries) = &self.node.kind else {
            self.misshapen(format!("expected a mapping (`name: value`), found {}", self.shape()));
            return Vec::new();
        };
        let entry = |entry: &'d Entry| {
            let path = join(&self.path, &entry.key);
            (entry.key.as_str(), self.child(&entry.value, path))
        };
        entries.iter().map(entry).collect()
    }

    /// The value as a scalar of type `T`.
    pub fn scalar<T: Scalar>(&self) -> Option<T> {
        let Kind::Scalar { text, plain } = &self.node.kind else {
            self.misshapen(format!("expected {}, found {}", T::EXPECTED, self.shape()));
            return None;
        };
        match T::parse(text, *plain) {
            Ok(value) => Some(value),
            Err(reason) if reason.is_empty() => {
                self.misshapen(format!("`{text}` is not {}", T::EXPECTED));
                None
            }
            Err(reason) => {
                self.misshapen(format!("`{text}` is not {}: {reason}", T::EXPECTED));
                None
            }
        }
    }

    /// The value as a secret: a plain text, `${env:NAME}` or `${file:PATH}`. Neither the text nor
    /// what it resolves to is ever part of a mistake.
    pub fn secret(&self, resolve: &dyn Resolve) -> Option<Secret> {
        let Kind::Scalar { text, .. } = &self.node.kind else {
            self.misshapen(format!("expected a secret, found {}", self.shape()));
            return None;
        };
        let found = match reference(text) {
            None => Ok(text.clone()),
            Some(reference) => resolve.resolve(reference),
        };
        match found {
            Ok(secret) if secret.is_empty() => {
                self.mistake("the secret is empty");
                None
            }
            Ok(secret) => Some(Secret::new(secret)),
            Err(reason) => {
                self.mistake(format!("the secret can not be read: {reason}"));
                None
            }
        }
    }

    fn child(&self, node: &'d Node, path: String) -> Value<'d> {
        Value { file: self.file, node, path, sink: self.sink, apart: self.apart }
    }

    /// Adds a mistake that is never a fault.
    fn misshapen(&self, text: String) {
        add(self.sink, false, self.at(text));
    }

    fn at(&self, text: String) -> Mistake {
        Mistake { file: self.file.to_owned(), line: self.node.line, path: self.path.clone(), text }
    }

    fn shape(&self) -> &'static str {
        match &self.node.kind {
            Kind::Null => "nothing",
            Kind::Scalar { .. } => "a single value",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }
}

// === impl Fields ===

impl<'d> Fields<'d> {
    /// The value of `key`, or nothing when it is absent or null.
    pub fn optional(&self, key: &'static str) -> Option<Value<'d>> {
        self.taken.borrow_mut().push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        let path = join(&self.path, key);
        let value =
            Value { file: self.file, node: &entry.value, path, sink: self.sink, apart: self.apart };
        if value.is_null() { None } else { Some(value) }
    }

    /// The value of `key`; absent or null is a mistake.
    pub fn required(&self, key: &'static str) -> Option<Value<'d>> {
        let value = self.optional(key);
        if value.is_none() {
            self.mistake(format!("`{key}` is missing"));
        }
        value
    }

    /// A required scalar.
    pub fn get<T: Scalar>(&self, key: &'static str) -> Option<T> {
        self.required(key)?.scalar()
    }

    /// An optional scalar with its default.
    pub fn get_or<T: Scalar>(&self, key: &'static str, default: T) -> T {
        self.optional(key).and_then(|value| value.scalar()).unwrap_or(default)
    }

    /// What one of a few words stands for; when it is absent, the first of them, which is there.
    pub fn choice<T: Copy>(&self, key: &'static str, known: &[(&str, T)]) -> Option<T> {
        let Some(value) = self.optional(key) else { return Some(known[0].1) };
        let text = value.scalar::<String>()?;
        let found = known.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        if found.is_none() {
            let words: Vec<_> = known.iter().map(|(word, _)| format!("`{word}`")).collect();
            value.mistake(format!("`{text}` is not one of {}", words.join(", ")));
        }
        found
    }

    /// The items of an optional list; empty when it is absent.
    pub fn list(&self, key: &'static str) -> Vec<Value<'d>> {
        self.optional(key).map(|value| value.items()).unwrap_or_default()
    }

    /// Adds a mistake at the mapping itself.
    pub fn mistake(&self, text: impl Into<String>) {
        let (file, path) = (self.file.to_owned(), self.path.clone());
        add(self.sink, self.apart, Mistake { file, line: self.line, path, text: text.into() });
    }

    /// Ends the mapping: every key that nobody took is a mistake that names the known ones.
    pub fn close(self) {
        let taken = self.taken.into_inner();
        let unknown = self.entries.iter().filter(|entry| !taken.contains(&entry.key.as_str()));
        for entry in unknown {
            self.sink.add(Mistake {
                file: self.file.to_owned(),
                line: entry.line,
                path: join(&self.path, &entry.key),
                text: format!("unknown key; known here: {}", taken.join(", ")),
            });
        }
    }
}

fn add(sink: &Sink, fault: bool, mistake: Mistake) {
    if fault { sink.add_fault(mistake) } else { sink.add(mistake) }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
