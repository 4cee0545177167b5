//! `tollgate check`, `tollgate init`, `tollgate schema`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use crate::cli::{ConfigFile, Init};
use crate::output::say;
use crate::{EXIT_CONFIG, config};

/// The starter configuration.
pub(crate) const STARTER: &str = include_str!("../init.yaml");
/// Its JSON Schema, for editors.
const SCHEMA: &str = include_str!("../../../../schemas/tollgate.schema.json");
/// The file beside the starter that the starter's first line names.
const SCHEMA_FILE: &str = "tollgate.schema.json";

/// Prints every mistake, or what was found good.
pub(crate) fn check(args: &ConfigFile) -> anyhow::Result<ExitCode> {
    match config::load(&args.config) {
        Ok(config) if !config.faults.is_empty() => {
            eprintln!("{}", config.faults);
            Ok(ExitCode::from(EXIT_CONFIG))
        }
        Ok(config) => {
            let services = config.policy.services();
            let apis: usize = services.iter().map(|service| service.apis.len()).sum();
            say!(
                "{}: good. {} with {}, {}.",
                args.config.display(),
                count(services.len(), "service"),
                count(apis, "API"),
                count(config.prices.books().count(), "price book")
            )?;
            Ok(ExitCode::SUCCESS)
        }
        Err(mistakes) => {
            eprintln!("{mistakes}");
            Ok(ExitCode::from(EXIT_CONFIG))
        }
    }
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Prints the JSON Schema of the configuration.
pub(crate) fn schema() -> anyhow::Result<ExitCode> {
    say!("{}", SCHEMA.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the starter configuration where there is none, and its schema beside it.
pub(crate) fn init(args: &Init) -> anyhow::Result<ExitCode> {
    let wrote = write_new(&args.file, STARTER)?;
    anyhow::ensure!(
        wrote,
        "`{}` is there already; name another file, or move it away",
        args.file.display()
    );
    let schema = args.file.with_file_name(SCHEMA_FILE);
    // Of another version, or somebody's own: not ours to write over.
    let fresh = write_new(&schema, SCHEMA)?;
    let config = if args.file == Path::new("tollgate.yaml") {
        String::new()
    } else {
        format!(" -c {}", args.file.display())
    };
    say!("Wrote {}. Edit it, then:", args.file.display())?;
    say!("  tollgate check{config}")?;
    say!("  tollgate up{config}")?;
    if fresh {
        say!("Editors with a YAML language server explain it, by {}.", schema.display())?;
    } else {
        say!("{} was there already; `tollgate schema` prints ours.", schema.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// False when the file is there already.
fn write_new(path: &Path, text: &str) -> anyhow::Result<bool> {
    let context = || format!("can not write {}", path.display());
    match fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).with_context(context)?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error).with_context(context),
    }
}
