//! One patch: a head of four lines, an empty line, the diff.
//!
//! ```text
//! Promise: LOSS-1
//! Test: tests it killed::name_of_the_test
//! Fails: a part of the assertion's text
//! Why: One sentence.
//!
//! --- a/services/…
//! ```

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context, bail, ensure};

use super::command::git;
use super::{PROMISES, root};

/// Where the patches lie, and what they may touch.
const FOLDER: &str = "tests/sabotage";
const MAY_TOUCH: [&str; 2] = ["services/", "schemas/"];

/// A promise, and one way of breaking it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// The file's name without its end: the id of the promise, or `<PROMISE>.<word>` for a further
    /// way of breaking it.
    pub name: String,
    /// Id of the promise.
    pub promise: String,
    /// The test that shows it.
    pub test: Test,
    /// A part of the text that the test's assertion fails with.
    pub fails: String,
    /// What the mistake is.
    pub why: String,
    /// Full path of the patch.
    pub file: PathBuf,
}

/// A test as cargo knows it. Written `PACKAGE TARGET NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Test {
    /// The package.
    pub package: String,
    /// `lib`, or the name of a test binary.
    pub target: String,
    /// The whole path of the test.
    pub name: String,
}

// === impl Patch ===

impl Patch {
    /// The patches of all promises, in their order; the one that bears the promise's name comes
    /// first.
    ///
    /// # Errors
    /// A promise without a patch, a file that belongs to none, a patch that is not of the form
    /// above or touches what it may not.
    pub fn all() -> anyhow::Result<Vec<Self>> {
        let folder = root().join(FOLDER);
        let files = fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))?;
        let mut names = BTreeSet::from(PROMISES.map(str::to_owned));
        for file in files {
            let file = file?.file_name().to_string_lossy().into_owned();
            let name = file.strip_suffix(".patch").filter(|name| PROMISES.contains(&promise(name)));
            let name = name.with_context(|| format!("{FOLDER}/{file} belongs to no promise"))?;
            names.insert(name.to_owned());
        }
        let of = |id: &'static str| names.iter().filter(move |name| promise(name) == id);
        PROMISES.into_iter().flat_map(of).map(|name| Self::named(name)).collect()
    }

    /// The patches with these names, and all of the promises with these names, in their order.
    ///
    /// # Errors
    /// As [`Patch::all`]; a name that is neither.
    pub fn some(names: &[String]) -> anyhow::Result<Vec<Self>> {
        let all = Self::all()?;
        for name in names {
            let known = all.iter().any(|patch| patch.is(name));
            ensure!(known, "`{name}` is none of {}", PROMISES.join(", "));
        }
        Ok(all.into_iter().filter(|patch| names.iter().any(|name| patch.is(name))).collect())
    }

    fn is(&self, name: &str) -> bool {
        self.name == name || self.promise == name
    }

    fn named(name: &str) -> anyhow::Result<Self> {
        let file = root().join(FOLDER).join(format!("{name}.patch"));
        let text = fs::read_to_string(&file).context("can not be read");
        let patch = text.and_then(|text| Self::parse(&text, file));
        let patch = patch.with_context(|| format!("{FOLDER}/{name}.patch"))?;
        let said = &patch.promise;
        ensure!(said == promise(name), "{FOLDER}/{name}.patch says that it breaks {said}");
        Ok(Self { name: name.to_owned(), ..patch })
    }

    pub(super) fn parse(text: &str, file: PathBuf) -> anyhow::Result<Self> {
        let mut lines = text.lines();
        let mut word = |key: &str| {
            let line = lines.next().unwrap_or_default();
            let value = line.strip_prefix(key).and_then(|rest| rest.strip_prefix(": "));
            let value = value.map(str::trim).filter(|value| !value.is_empty());
            value.map(str::to_owned).with_context(|| format!("`{line}` stands where `{key}:` must"))
        };
        let promise = word("Promise")?;
        let test = word("Test")?.parse()?;
        let (fails, why) = (word("Fails")?, word("Why")?);
        let blank = lines.next();
        ensure!(blank == Some(""), "an empty line must follow the head");
        let diff = lines.next().unwrap_or_default();
        let begins = ["--- a/", "diff --git a/"].iter().any(|word| diff.starts_with(word));
        ensure!(begins, "`{diff}` stands where the diff must begin");
        let patch = Self { name: promise.clone(), promise, test, fails, why, file };
        patch.check_touched()?;
        Ok(patch)
    }

    /// The diff as git reads it, so that no text in it is taken for a file's name.
    fn check_touched(&self) -> anyhow::Result<()> {
        let file = self.path()?;
        let counted = git(root(), &["apply", "--numstat", "-z", file])?;
        let mut touched = 0;
        for line in counted.split('\0').filter(|line| !line.is_empty()) {
            let name = line.split('\t').nth(2).unwrap_or(line);
            touched += 1;
            let inside = MAY_TOUCH.iter().any(|folder| name.starts_with(folder));
            ensure!(inside && !is_test(name), "touches {name}: only the product may be broken");
        }
        ensure!(touched > 0, "touches nothing");
        Ok(())
    }

    /// Its file, for git.
    pub(super) fn path(&self) -> anyhow::Result<&str> {
        self.file.to_str().context("a path that is no UTF-8")
    }
}

// === impl Test ===

impl Test {
    /// What cargo calls the binary that it is in.
    pub fn binary(&self) -> Vec<&str> {
        match self.target.as_str() {
            "lib" => vec!["-p", &self.package, "--lib"],
            target => vec!["-p", &self.package, "--test", target],
        }
    }
}

impl FromStr for Test {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let &[package, target, name] = words.as_slice() else {
            bail!("`Test: {text}` is not `PACKAGE TARGET NAME`");
        };
        let [package, target, name] = [package, target, name].map(str::to_owned);
        Ok(Self { package, target, name })
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.package, self.target, self.name)
    }
}

/// The promise that a patch with this name breaks.
fn promise(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Whether a file, named from the root, is a test's: in a folder `tests`, or a module of tests
/// beside the code.
pub(super) fn is_test(name: &str) -> bool {
    let path = Path::new(name);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let inside = path.components().any(|part| part.as_os_str() == "tests");
    inside || stem == "tests" || stem.ends_with("_tests")
}
