//! Fetching from a loopback server, with a small file in the place of the library.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::library::Known;
use crate::progress::Plain;

type Outcome = Result<(), Box<dyn Error>>;

/// `printf 'a library' | sha256sum`
const LIBRARY: &[u8] = b"a library";
const PIN: Pin = Pin {
    package: "@chdb/lib-none",
    version: "1.2.3",
    archive: "a.tar.gz",
    known: Some(Known {
        packed: 100,
        size: 9,
        sha256: "31f109ab38348582abdc9e1c9942f74505c719e98c6d0ab6fbcfdccfd8c9935b",
    }),
};

/// Serves one archive under any path, and counts how often.
struct Server {
    url: String,
    served: Arc<AtomicUsize>,
}

impl Server {
    fn start(archive: Vec<u8>) -> Result<Self, Box<dyn Error>> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/v1/", listener.local_addr()?);
        let served = Arc::new(AtomicUsize::new(0));
        let count = served.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().filter_map(Result::ok) {
                count.fetch_add(1, Ordering::SeqCst);
                answer(socket, &archive).ok();
            }
        });
        Ok(Self { url, served })
    }

    fn sources(&self) -> Sources {
        Sources { npm: "/none/npm".into(), curl: "curl".into(), archive_url: self.url.clone() }
    }
}

fn answer(mut socket: TcpStream, archive: &[u8]) -> std::io::Result<()> {
    let mut lines = BufReader::new(socket.try_clone()?).lines();
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    write!(socket, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", archive.len())?;
    socket.write_all(archive)
}

fn archive(files: &[(&str, &[u8])]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *content)?;
    }
    Ok(tar.into_inner()?.finish()?)
}

fn fetch_from(server: &Server, cache: &Path) -> Result<PathBuf, FetchError> {
    library(cache, &PIN, &server.sources(), &mut Plain::new(std::io::sink()))
}

/// Overwrites a file, later than the file system's clock can fail to tell.
fn damage(path: &Path, with: &[u8]) -> std::io::Result<()> {
    fs::write(path, with)?;
    let later = std::time::SystemTime::now() + Duration::from_secs(2);
    fs::File::options().write(true).open(path)?.set_modified(later)
}

#[test]
fn fetched_once_and_then_kept() -> Outcome {
    let cache = tempfile::tempdir()?;
    let server = Server::start(archive(&[("chdb.h", b"x"), ("libchdb.so", LIBRARY)])?)?;
    for _ in 0..2 {
        let path = fetch_from(&server, cache.path())?;
        assert_eq!(path, cache.path().join("engine/1.2.3/libchdb.so"));
        assert_eq!(fs::read(path)?, LIBRARY);
    }
    assert_eq!(server.served.load(Ordering::SeqCst), 1);
    assert!(!cache.path().join("engine/1.2.3/fetch").exists());
    Ok(())
}

#[test]
fn several_at_once_fetch_once() -> Outcome {
    let cache = tempfile::tempdir()?;
    let server = Server::start(archive(&[("./libchdb.so", LIBRARY)])?)?;
    std::thread::scope(|scope| {
        let all: Vec<_> =
            (0..8).map(|_| scope.spawn(|| fetch_from(&server, cache.path()).is_ok())).collect();
        for one in all {
            assert!(one.join().expect("no panic"));
        }
    });
    assert_eq!(server.served.load(Ordering::SeqCst), 1);
    Ok(())
}

#[test]
fn another_checksum_is_refused() -> Outcome {
    let cache = tempfile::tempdir()?;
    let server = Server::start(archive(&[("libchdb.so", b"b library")])?)?;
    let error = fetch_from(&server, cache.path()).err().ok_or("refused")?.to_string();
    assert!(
        error.contains("SHA-256") && error.contains(PIN.known.expect("known").sha256),
        "{error}"
    );
    assert!(!PIN.path(cache.path()).exists());
    Ok(())
}

#[test]
fn a_longer_file_is_refused() -> Outcome {
    let cache = tempfile::tempdir()?;
    let server = Server::start(archive(&[("libchdb.so", b"a library and more")])?)?;
    assert!(fetch_from(&server, cache.path()).is_err());
    assert!(!PIN.path(cache.path()).exists());
    Ok(())
}

#[test]
fn an_archive_without_the_library_is_refused() -> Outcome {
    let cache = tempfile::tempdir()?;
    let server = Server::start(archive(&[("other/libchdb.so", LIBRARY)])?)?;
    let error = fetch_from(&server, cache.path()).err().ok_or("refused")?.to_string();
    assert!(error.contains("does not hold the library"), "{error}");
    Ok(())
}

#[test]
fn a_damaged_file_is_found_and_fetched_again() -> Outcome {
    let cache = tempfile::tempdir()?;
    let server = Server::start(archive(&[("libchdb.so", LIBRARY)])?)?;
    let path = fetch_from(&server, cache.path())?;
    for damaged in [&b"a lib"[..], b"a librarY"] {
        damage(&path, damaged)?;
        fetch_from(&server, cache.path())?;
        assert_eq!(fs::read(&path)?, LIBRARY);
    }
    assert_eq!(server.served.load(Ordering::SeqCst), 3);
    Ok(())
}

#[test]
fn a_file_brought_by_hand_is_checked_and_taken() -> Outcome {
    let cache = tempfile::tempdir()?;
    let server = Server::start(Vec::new())?;
    let path = PIN.path(cache.path());
    fs::create_dir_all(path.parent().expect("has one"))?;
    fs::write(&path, LIBRARY)?;
    assert_eq!(fetch_from(&server, cache.path())?, path);
    assert_eq!(server.served.load(Ordering::SeqCst), 0);
    Ok(())
}

#[test]
fn without_any_client_it_says_what_to_do() -> Outcome {
    let cache = tempfile::tempdir()?;
    let sources = Sources {
        npm: "/none/npm".into(),
        curl: "/none/curl".into(),
        archive_url: "http://archive".into(),
    };
    let error = library(cache.path(), &PIN, &sources, &mut Plain::new(std::io::sink()))
        .err()
        .ok_or("refused")?
        .to_string();
    for part in ["npm", "curl", "http://archive/a.tar.gz", "engine/1.2.3/libchdb.so"] {
        assert!(error.contains(part), "{part} is not in: {error}");
    }
    Ok(())
}

#[test]
fn what_a_client_complains_of_is_told() -> Outcome {
    let cache = tempfile::tempdir()?;
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let sources = Sources {
        npm: "/none/npm".into(),
        curl: "curl".into(),
        archive_url: format!("http://{closed}"),
    };
    let error = library(cache.path(), &PIN, &sources, &mut Plain::new(std::io::sink()))
        .err()
        .ok_or("refused")?
        .to_string();
    assert!(error.contains("curl: failed: curl: (7)"), "{error}");
    Ok(())
}

#[test]
fn without_a_pinned_checksum_the_first_one_counts() -> Outcome {
    let pin = Pin { known: None, ..PIN };
    let cache = tempfile::tempdir()?;
    let server = Server::start(archive(&[("package/libchdb.so", LIBRARY)])?)?;
    let fetch = || library(cache.path(), &pin, &server.sources(), &mut Plain::new(std::io::sink()));
    let path = fetch()?;
    damage(&path, b"a librarY")?;
    fetch()?;
    assert_eq!(fs::read(&path)?, LIBRARY);
    assert_eq!(server.served.load(Ordering::SeqCst), 2);
    Ok(())
}
