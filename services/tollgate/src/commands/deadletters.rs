//! `tollgate deadletters list|show|retry`: messages that could not become a record.

use std::process::ExitCode;

use metering::{DeadLetter, LETTERS_MAX, dead_letter, dead_letters, retry};
use serde_json::{Value, json};

use crate::cli::{ConfigFile, Deadletters, Output};
use crate::config::Config;
use crate::output::{self, List, say};
use crate::storage::Storage;

// === impl Deadletters ===

impl Deadletters {
    /// The configuration that it names.
    pub(crate) fn config(&self) -> &ConfigFile {
        match self {
            Self::List(args) => &args.config,
            Self::Show(args) => &args.config,
            Self::Retry(args) => &args.config,
        }
    }
}

/// Does what is asked.
pub(crate) async fn run(
    config: Config,
    args: &Deadletters,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let storage = Storage::join(&config).await?;
    let store = &storage.store;
    match args {
        Deadletters::List(args) => {
            let letters = dead_letters(store, args.limit).await?;
            if output == Output::Table && letters.is_empty() {
                say!("There are no dead letters.")?;
                return Ok(ExitCode::SUCCESS);
            }
            let json: Vec<Value> = letters.iter().map(as_json).collect();
            output::print(output, &list(&letters), &json!({ "dead_letters": json }))?;
        }
        Deadletters::Show(args) => {
            let (letter, bytes) = dead_letter(store, &args.id).await?;
            let mut json = as_json(&letter);
            json["text"] = String::from_utf8_lossy(&bytes).into();
            output::print(output, &list(std::slice::from_ref(&letter)), &json)?;
            if output == Output::Table {
                say!("\nreason: {}\nposition: {}", letter.reason, letter.position)?;
                // Control characters of a message are not for a terminal.
                say!("{}", String::from_utf8_lossy(&bytes).escape_debug())?;
            }
        }
        Deadletters::Retry(args) => {
            let newest = match args.all {
                true => dead_letters(store, LETTERS_MAX).await?,
                false => Vec::new(),
            };
            let mut ids: Vec<String> = newest.into_iter().map(|letter| letter.id).collect();
            ids.extend(args.ids.iter().cloned());
            let by = format!("deadletters retry, pid {}", std::process::id());
            let done = retry(store, &ids, &by).await?;
            let json = json!({
                "tried": done.tried,
                "stored": done.stored,
                "stood": done.stood,
                "dead": done.dead,
            });
            if output == Output::Table {
                say!(
                    "{} tried: {} stored now, {} stood already, {} as dead as before",
                    done.tried,
                    done.stored,
                    done.stood,
                    done.dead
                )?;
            } else {
                let mut list = List::new(&["#tried", "#stored", "#stood", "#dead"]);
                list.row([done.tried, done.stored, done.stood, done.dead].map(|n| n.to_string()));
                output::print(output, &list, &json)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(letters: &[DeadLetter]) -> List {
    let mut list = List::new(&["id", "at", "source", "stream", "#seq", "#bytes", "reason"]);
    for letter in letters {
        let DeadLetter { gateway, epoch, worker, .. } = letter;
        let known = !gateway.is_empty();
        list.row([
            letter.id.clone(),
            letter.at.clone(),
            format!("{}/{}", letter.source, letter.part),
            if known { format!("{gateway}/{epoch}/{worker}") } else { String::new() },
            letter.seq.map(|seq| seq.to_string()).unwrap_or_default(),
            letter.size.to_string(),
            letter.reason.clone(),
        ]);
    }
    list
}

fn as_json(letter: &DeadLetter) -> Value {
    json!({
        "id": letter.id,
        "at": letter.at,
        "source": letter.source,
        "part": letter.part,
        "position": letter.position,
        "gateway": letter.gateway,
        "epoch": letter.epoch,
        "worker": letter.worker,
        "seq": letter.seq,
        "reason": letter.reason,
        "bytes": letter.size,
    })
}
