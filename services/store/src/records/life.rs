//! The `life` column: a life as JSON text, empty where there is none.

use record::{Life, PreviousLife};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct LifeText {
    workers: u16,
    previous: Option<PreviousText>,
    refused: u64,
    unrecorded: u64,
    retires: bool,
}

#[derive(Serialize, Deserialize)]
struct PreviousText {
    epoch: u64,
    last: Vec<Option<u64>>,
}

pub(crate) fn to_json(life: Option<&Life>) -> String {
    let Some(life) = life else { return String::new() };
    let Life { workers, previous, refused, unrecorded, retires } = life.clone();
    let previous = previous.map(|PreviousLife { epoch, last }| PreviousText { epoch, last });
    serde_json::to_string(&LifeText { workers, previous, refused, unrecorded, retires })
        .expect("numbers and booleans have a JSON form")
}

/// `None`: the text is not one that [`to_json`] writes.
pub(crate) fn from_json(text: &str) -> Option<Option<Box<Life>>> {
    if text.is_empty() {
        return Some(None);
    }
    let LifeText { workers, previous, refused, unrecorded, retires } =
        serde_json::from_str(text).ok()?;
    let previous = previous.map(|PreviousText { epoch, last }| PreviousLife { epoch, last });
    Some(Some(Box::new(Life { workers, previous, refused, unrecorded, retires })))
}
