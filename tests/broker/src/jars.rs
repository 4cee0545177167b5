//! Brings the broker's jars into the cache, once per machine.
//!
//! - The version is pinned, and with it those of all its dependencies; Maven checks what it
//!   fetches against the published checksums and refuses what differs.
//! - Several processes at once fetch once: the others wait for the lock.
//! - The folder gets its name when all jars are in it; a fetch that was killed leaves one beside
//!   it, which the next fetch clears away.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use crate::StartError;

/// The version; a newer one is tried by hand first, some were published without all their jars.
pub const VERSION: &str = "4.3.1";

/// One line of progress in so long a time.
const LINE_EVERY: Duration = Duration::from_secs(3);

/// What is said of a failure at most.
const COMPLAINT_MAX: usize = 2000;

/// The broker and a logger that writes to stderr, from which the start is read.
const POM: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tollgate</groupId>
  <artifactId>broker</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>4.3.1</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"#;

/// The folder of the jars, fetched first if they are not in the cache yet.
pub(crate) fn jars() -> Result<PathBuf, StartError> {
    let cache = cache().ok_or(StartError::NoCache)?;
    let folder = cache.join(format!("kafka-{VERSION}"));
    if folder.exists() {
        return Ok(folder);
    }
    let io = |source| StartError::Io { attempt: format!("use {}", cache.display()), source };
    fs::create_dir_all(&cache).map_err(io)?;
    let _lock = lock(&cache.join(format!("kafka-{VERSION}.lock"))).map_err(io)?;
    if folder.exists() {
        return Ok(folder);
    }
    let work = cache.join(format!("kafka-{VERSION}.fetch"));
    clear(&work).map_err(io)?;
    fs::create_dir_all(&work).map_err(io)?;
    fetch(&work, &folder)?;
    fs::rename(work.join("lib"), &folder).map_err(io)?;
    clear(&work).map_err(io)?;
    Ok(folder)
}

/// `$TOLLGATE_CACHE`, else `tollgate` in the user's cache folder.
fn cache() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("TOLLGATE_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("tollgate")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache").join("tollgate")))
}

/// Waits for whoever fetches now. The lock ends with its process.
fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => return Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => say("another process is fetching Kafka, waiting"),
        Err(error) => return Err(error.into()),
    }
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn fetch(work: &Path, folder: &Path) -> Result<(), StartError> {
    let fail = |attempt: &str, source| StartError::Io { attempt: attempt.to_owned(), source };
    fs::write(work.join("pom.xml"), POM).map_err(|error| fail("write pom.xml", error))?;
    say(&format!("fetching Apache Kafka {VERSION} (44 MB) with Maven into {}", folder.display()));
    let mut maven = Command::new("mvn");
    maven.args(["--batch-mode", "--strict-checksums", "dependency:copy-dependencies"]);
    maven.args(["-DoutputDirectory=lib", "-DincludeScope=runtime"]).current_dir(work);
    maven.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = maven.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => StartError::Missing { program: "mvn" },
        _ => fail("start Maven", error),
    })?;
    let mut complaint = follow(child.stdout.take().expect("it is a pipe"));
    let mut stderr = String::new();
    // What can not be read here is missing in a message, no more.
    child.stderr.take().expect("it is a pipe").read_to_string(&mut stderr).ok();
    let status = child.wait().map_err(|error| fail("wait for Maven", error))?;
    if status.success() {
        say("Apache Kafka is in the cache");
        return Ok(());
    }
    complaint.push_str(&stderr);
    let complaint = complaint.chars().take(COMPLAINT_MAX).collect();
    Err(StartError::Fetch { version: VERSION, complaint })
}

/// Says how it goes, and returns the errors among what Maven says.
fn follow(stdout: ChildStdout) -> String {
    let (mut files, mut said, mut errors) = (0_u32, Instant::now(), String::new());
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        if line.contains("Downloaded from") {
            files += 1;
        } else if line.contains("ERROR") {
            errors.push_str(line.trim());
            errors.push(' ');
        }
        if said.elapsed() >= LINE_EVERY {
            said = Instant::now();
            say(&format!("fetching Apache Kafka {VERSION}: {files} files so far"));
        }
    }
    errors
}

/// To the real stderr: the test harness hides what `eprintln` writes until the test has ended.
fn say(text: &str) {
    // Progress that nobody can read is no reason to stop.
    writeln!(io::stderr(), "broker: {text}").ok();
}
