//! The copy of the tree, in `target/sabotage`, with a build folder of its own.
//!
//! - A file that did not change is not written again, so that cargo builds little. One that did
//!   gets the time of now, not that of the original: cargo takes what is older than its last build
//!   for built.
//! - The copy is a repository of its own, made anew each time, whose index holds the good tree:
//!   patches are undone from it, and the tests in the copy that list files see the copy's.
//! - Whatever a run leaves behind, the next one begins with the tree as it is.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::process::Command;

use super::command::{Commands, Ran, git};
use super::patch::{Patch, Test};
use super::root;

/// All crates of the product and their tests, on a slow machine.
const BUILD_MAX: Duration = Duration::from_secs(3600);
/// The longest of the tests named takes about a minute on two idle cores.
const TEST_MAX: Duration = Duration::from_secs(600);

/// A copy of the tree. One run at a time has it.
#[derive(Debug)]
pub struct Tree {
    folder: PathBuf,
    target: PathBuf,
    /// How many files were written or removed, since they had changed.
    pub changed: usize,
    _lock: File,
}

// === impl Tree ===

impl Tree {
    /// Brings the copy up to date.
    ///
    /// # Errors
    /// When another run has it, git can not list the files, or they can not be copied.
    pub fn copy() -> anyhow::Result<Self> {
        let base = root().join("target/sabotage");
        fs::create_dir_all(&base).with_context(|| format!("{}", base.display()))?;
        let lock = File::create(base.join("lock")).context("can not make the lock")?;
        lock.try_lock().context("another run of the sabotage goes on")?;
        let folder = base.join("tree");
        let changed = update(&folder)?;
        // A run that was killed may have left the index locked.
        fs::remove_dir_all(folder.join(".git")).ok();
        git(&folder, &["init", "-q", "--template="])?;
        git(&folder, &["add", "-A", "-f"])?;
        Ok(Self { folder, target: base.join("target"), changed, _lock: lock })
    }

    /// Breaks the promise.
    ///
    /// # Errors
    /// When the patch does not apply.
    pub fn apply(&self, patch: &Patch) -> anyhow::Result<()> {
        git(&self.folder, &["apply", "--whitespace=nowarn", patch.path()?])?;
        Ok(())
    }

    /// Mends whatever is broken.
    ///
    /// # Errors
    /// When git can not.
    pub fn restore(&self) -> anyhow::Result<()> {
        git(&self.folder, &["checkout", "-q", "--", "."])?;
        git(&self.folder, &["clean", "-qfdx"])?;
        Ok(())
    }

    /// Builds the binary that the test is in.
    ///
    /// # Errors
    /// When it does not build.
    pub async fn build(&self, commands: &mut Commands, test: &Test) -> anyhow::Result<Ran> {
        let args = [&["test", "-q", "--no-run"], &test.binary()[..]].concat();
        let built = commands.run(self.cargo(&args), BUILD_MAX).await?;
        ensure!(built.success, "it does not build:\n{}", built.tail());
        Ok(built)
    }

    /// Runs the one test.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn run(&self, commands: &mut Commands, test: &Test) -> anyhow::Result<Ran> {
        let args = [&["test", "-q"], &test.binary()[..]].concat();
        let mut command = self.cargo(&args);
        command.args(["--", "--exact", &test.name]);
        commands.run(command, TEST_MAX).await
    }

    fn cargo(&self, args: &[&str]) -> Command {
        // By its name, so that rustup looks at the copy's toolchain.
        let mut command = Command::new("cargo");
        // What cargo and git told this program is about the tree, not about the copy.
        for name in std::env::vars_os().map(|(name, _)| name) {
            let text = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "GIT_"].iter().any(|word| text.starts_with(word)) {
                command.env_remove(name);
            }
        }
        command.args(args).current_dir(&self.folder);
        command.env("CARGO_TARGET_DIR", &self.target).env("CARGO_TERM_COLOR", "never");
        command.env("RUST_BACKTRACE", "0");
        command
    }
}

/// Writes what changed, removes what is gone; gives how many files that were.
fn update(folder: &Path) -> anyhow::Result<usize> {
    let listed = git(root(), &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])?;
    let mut kept = BTreeSet::new();
    let mut changed = 0;
    for name in listed.split('\0').filter(|name| !name.is_empty()) {
        // A file that was just removed is still listed until the commit.
        let Ok(content) = fs::read(root().join(name)) else { continue };
        let to = folder.join(name);
        kept.insert(to.clone());
        if fs::read(&to).is_ok_and(|there| there == content) {
            continue;
        }
        fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
        fs::write(&to, content).with_context(|| format!("can not write {}", to.display()))?;
        changed += 1;
    }
    ensure!(!kept.is_empty(), "git lists no files");
    Ok(changed + prune(folder, &kept)?)
}

/// Removes all files but those `kept`, and the folders that are empty then.
fn prune(folder: &Path, kept: &BTreeSet<PathBuf>) -> anyhow::Result<usize> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name == ".git") {
            continue;
        }
        if path.is_dir() && !path.is_symlink() {
            removed += prune(&path, kept)?;
            // It fails, as it should, when something is left in it.
            fs::remove_dir(&path).ok();
        } else if !kept.contains(&path) {
            fs::remove_file(&path).with_context(|| format!("can not remove {}", path.display()))?;
            removed += 1;
        }
    }
    Ok(removed)
}
