//! `tollgate check`, `tollgate init`.

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

/// Prints every mistake, or what was found good.
pub(crate) fn check(args: &ConfigFile) -> anyhow::Result<ExitCode> {
    match config::load(&args.config) {
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

/// Writes the starter configuration where there is none.
pub(crate) fn init(args: &Init) -> anyhow::Result<ExitCode> {
    let file = fs::OpenOptions::new().write(true).create_new(true).open(&args.file);
    let mut file = file.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let file = args.file.display();
            anyhow::anyhow!("`{file}` is there already; name another file, or move it away")
        }
        _ => anyhow::Error::new(error).context(format!("can not write {}", args.file.display())),
    })?;
    file.write_all(STARTER.as_bytes()).context("can not write the configuration")?;
    let config = if args.file == Path::new("tollgate.yaml") {
        String::new()
    } else {
        format!(" -c {}", args.file.display())
    };
    say!("Wrote {}. Edit it, then:", args.file.display())?;
    say!("  tollgate check{config}")?;
    say!("  tollgate up{config}")?;
    Ok(ExitCode::SUCCESS)
}
