//! `tollgate errors`: the catalog of what the gateway answers by itself. It is part of the program,
//! so no server is asked.

use std::process::ExitCode;

use anyhow::bail;
use policy::errors::{self, Entry, Words};
use serde_json::{Value, json};

use super::logs::text;
use crate::cli::{Errors, Language, Output};
use crate::output::{self, List, say};

/// The members of one error, in the order in which a person asks.
const KEYS: [&str; 11] = [
    "code",
    "status",
    "text",
    "shown",
    "cause",
    "remedy",
    "fault",
    "retry_after_s",
    "own",
    "later",
    "blueking",
];

/// Prints the catalog, or what of it is asked for.
pub(crate) fn errors(args: &Errors, output: Output) -> anyhow::Result<ExitCode> {
    let language = args.tongue.language();
    let found = match args.code.as_deref() {
        None => errors::catalog().collect(),
        Some(code) => find(code),
    };
    if let (true, Some(code)) = (found.is_empty(), &args.code) {
        bail!("there is no error `{code}`: `tollgate errors` lists all of them");
    }
    let json: Vec<_> = found.iter().map(|entry| document(entry, language)).collect();
    let one = matches!((&args.code, found.len()), (Some(_), 1));
    match (output, one) {
        (Output::Table, true) => {
            for key in KEYS.into_iter().filter(|key| !json[0][key].is_null()) {
                let value = &json[0][key];
                let words = match key {
                    "blueking" => format!("{} {}", value["code"], text(&value["message"])),
                    _ => text(value),
                };
                say!("{key:<14}{words}")?;
            }
        }
        (_, true) => output::print(output, &list(&found, language), &json[0])?,
        (_, false) => output::print(output, &list(&found, language), &Value::Array(json))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// By name, status or code, or by what a client was told.
fn find(code: &str) -> Vec<&'static Entry> {
    let meant = errors::by_code(code);
    if !meant.is_empty() {
        return meant;
    }
    let told = |entry: &&'static Entry| {
        errors::of_text(entry.status, code).is_some_and(|found| found.entry == *entry)
    };
    errors::catalog().filter(told).collect()
}

fn of(words: &Words, language: Language) -> &'static str {
    language.pick(words.en, words.zh)
}

fn list(found: &[&'static Entry], language: Language) -> List {
    let mut list = List::new(&["code", "#status", "fault", "text", "remedy"]);
    for entry in found {
        list.row([
            entry.id.to_owned(),
            entry.answer().map_or("-".to_owned(), |status| status.to_string()),
            entry.fault.to_string(),
            entry.text.to_owned(),
            of(&entry.remedy, language).to_owned(),
        ]);
    }
    list
}

/// As `GET /v1/errors/{code}` gives it.
fn document(entry: &Entry, language: Language) -> Value {
    let mut json = json!({
        "code": entry.id,
        "text": entry.text,
        "fault": entry.fault.as_str(),
        "own": entry.own,
        "cause": of(&entry.cause, language),
        "remedy": of(&entry.remedy, language),
    });
    if let Some(status) = entry.answer() {
        json["status"] = status.into();
    }
    if let Some(form) = entry.form() {
        json["blueking"] = json!({
            "code": form.code,
            "code_name": form.code_name,
            "status": form.status,
            "message": form.message,
            "own": form.own,
        });
    }
    if let Some(missing) = entry.state.missing() {
        json["later"] = missing.into();
    }
    if let Some(shown) = entry.shown {
        json["shown"] = shown.into();
    }
    if let Some(seconds) = entry.retry_after_s {
        json["retry_after_s"] = seconds.into();
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_found_by_name_status_or_text() {
        let ids = |code: &str| find(code).iter().map(|entry| entry.id).collect::<Vec<_>>();
        assert_eq!(ids("internal"), ["internal"]);
        assert!(ids("404").len() > 3 && ids("1640401").len() > 3);
        assert_eq!(ids("Gateway Time-out.").len(), 1);
        assert_eq!(ids("SSL_ERROR_SYSCALL"), ["tls-handshake-cut"]);
        let cut = document(find("tls-handshake-cut")[0], Language::En);
        assert!(cut["status"].is_null() && cut["blueking"].is_null());
        assert_eq!(ids("There is no api match uri[/a/b].").len(), 1);
        assert!(ids("nothing").is_empty() && ids("299").is_empty());
    }
}
