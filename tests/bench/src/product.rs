//! The program that is measured.
//!
//! It is the product's own, of the same build profile, beside this one; it is built first, so that
//! nobody measures yesterday's.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::Common;

/// The product as the command line says.
///
/// # Errors
/// It is not there, or can not be built.
pub(crate) fn find(common: &Common) -> Result<PathBuf> {
    if let Some(path) = &common.tollgate {
        return at(path);
    }
    let this = std::env::current_exe().context("this program does not know where it lies")?;
    let folder = this.parent().context("a program lies in a folder")?;
    build(folder.parent().unwrap_or(folder))?;
    at(&folder.join("tollgate"))
}

/// The product in this file.
///
/// # Errors
/// It is not there.
pub(crate) fn at(path: &Path) -> Result<PathBuf> {
    path.canonicalize().with_context(|| format!("{} is not there", path.display()))
}

/// Nothing to do when it is there already.
fn build(target: &Path) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "-p", "tollgate", "--bin", "tollgate"]);
    command.arg("--target-dir").arg(target);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let done = command.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    let done = done.context("cargo did not run; name the program with --tollgate FILE")?;
    ensure!(done.success(), "the product can not be built");
    Ok(())
}
