//! The section's books: texts loaded, read, and checked against each other.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use settings::{Fields, Sink, Value};

use super::Prices;
use super::accounts::accounts;
use crate::book::{Book, bundled, bundled_names};

/// Begins the name of a book that comes with Tollgate.
const BUNDLED_PREFIX: &str = "bundled:";

/// What was read of the list of books.
pub(super) struct Books {
    by_id: BTreeMap<String, Vec<Book>>,
    /// False when one could not be read: then an id that is not here may be that one's.
    whole: bool,
}

pub(super) fn prices(
    value: &Value<'_>,
    sink: &Sink,
    load: &dyn Fn(&Path) -> io::Result<String>,
) -> Option<Prices> {
    let fields = value.fields()?;
    let list = fields.required("books");
    let named = list.as_ref().map(|list| list.items()).unwrap_or_default();
    if let Some(list) = list.filter(|_| named.is_empty()) {
        list.mistake("at least one price book is needed");
    }
    let mut read = Vec::with_capacity(named.len());
    for item in &named {
        read.extend(book(item, sink, load).map(|book| (item, book)));
    }
    let whole = read.len() == named.len();
    let books = Books { by_id: versions(read), whole };
    let default_book = default_book(&fields, &books);
    let accounts = accounts(&fields, &books, default_book.as_deref());
    fields.close();
    let Books { by_id: books, whole } = books;
    whole.then_some(Prices { books, default_book: default_book?, accounts })
}

fn book(item: &Value<'_>, sink: &Sink, load: &dyn Fn(&Path) -> io::Result<String>) -> Option<Book> {
    let name: String = item.scalar()?;
    if let Some(known) = name.strip_prefix(BUNDLED_PREFIX) {
        let Some(text) = bundled(known) else {
            let names = bundled_names().join(", ");
            item.mistake(format!("`{known}` does not come with Tollgate; these do: {names}"));
            return None;
        };
        return Book::read(&name, text, sink);
    }
    match load(Path::new(&name)) {
        Ok(text) => Book::read(&name, &text, sink),
        Err(error) => {
            item.mistake(format!("the price book `{name}` can not be read: {error}"));
            None
        }
    }
}

/// Versions by id, in the order of time. Those that do not fit the version before are mistakes
/// at their place in the list.
fn versions(mut read: Vec<(&Value<'_>, Book)>) -> BTreeMap<String, Vec<Book>> {
    read.sort_by_key(|(_, book)| book.effective_from);
    let mut books: BTreeMap<String, Vec<Book>> = BTreeMap::new();
    for (item, book) in read {
        let versions = books.entry(book.id.clone()).or_default();
        if let Some(before) = versions.last() {
            follows(item, before, &book);
        }
        versions.push(book);
    }
    books
}

fn follows(item: &Value<'_>, before: &Book, book: &Book) {
    let Book { id, effective_from, .. } = book;
    if *effective_from == before.effective_from {
        item.mistake(format!("two versions of `{id}` are effective from {effective_from}"));
        return;
    }
    if book.zone != before.zone {
        item.mistake(format!(
            "the version of `{id}` from {effective_from} changes `month_zone` from {} to {}: \
             some hours would belong to two months or none; give the book another id",
            before.zone, book.zone
        ));
    }
    if book.currency != before.currency && !before.zone.begins_month(*effective_from) {
        item.mistake(format!(
            "the version of `{id}` from {effective_from} changes the currency inside a month"
        ));
    }
}

fn default_book(fields: &Fields<'_>, books: &Books) -> Option<String> {
    if let Some(value) = fields.optional("default_book") {
        return known_book(&value, books);
    }
    let mut ids = books.by_id.keys();
    let (first, second) = (ids.next(), ids.next());
    match (first, second) {
        (Some(_), Some(_)) => {
            let ids = books.ids();
            fields.mistake(format!("`default_book` is missing; choose one of {ids}"));
            None
        }
        (first, _) => first.cloned(),
    }
}

/// A value that names one of the books.
pub(super) fn known_book(value: &Value<'_>, books: &Books) -> Option<String> {
    let id: String = value.scalar()?;
    if books.by_id.contains_key(&id) {
        return Some(id);
    }
    if books.whole {
        let ids = books.ids();
        value.mistake(format!("no price book has the id `{id}`; known here: {ids}"));
    }
    None
}

// === impl Books ===

impl Books {
    /// The versions of a book, in the order of time.
    pub(super) fn versions(&self, id: &str) -> Option<&[Book]> {
        self.by_id.get(id).map(Vec::as_slice)
    }

    fn ids(&self) -> String {
        self.by_id.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}
