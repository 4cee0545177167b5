//! A real engine, started by this test executable, which is its own child.
//!
//! The library is fetched on first use, like anybody's.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use engine::{Config, Endpoint, Engine, Program, Sources, StartError, State};

type Outcome = Result<(), Box<dyn Error>>;

/// No state that a test waits for takes longer, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tells the test `parent` to play its part, and where.
const PARENT: &str = "TOLLGATE_ENGINE_TEST_PARENT";

/// The child's side: becomes the engine when [`Program::test`] started it.
#[test]
fn child() {
    if let Some(args) = Program::test_args() {
        std::process::exit(engine::child_main(args).into());
    }
}

/// A parent to be killed: starts an engine, says how to reach it, and waits for the end of stdin.
#[test]
fn parent() -> Outcome {
    let Some(dir) = std::env::var_os(PARENT) else { return Ok(()) };
    let engine = start(Path::new(&dir))?;
    let endpoint = engine.endpoint();
    let secrets = (endpoint.header.1.expose(), endpoint.password.expose());
    println!("\n@ {} {} {} {}", endpoint.url, secrets.0, secrets.1, engine.pid().ok_or("up")?);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn config(data_dir: &Path) -> Result<Config, Box<dyn Error>> {
    Ok(Config {
        data_dir: data_dir.to_owned(),
        cache_dir: engine::cache_dir(|name| std::env::var_os(name)).ok_or("no home")?,
        sources: Sources::new(|name| std::env::var_os(name)),
        memory_max: 1 << 30,
        database: "tollgate".to_owned(),
        program: Program::test("child")?,
    })
}

fn start(data_dir: &Path) -> Result<Engine, Box<dyn Error>> {
    Ok(Engine::start(&config(data_dir)?, &mut *engine::progress_on_stderr())?)
}

/// Sends one query; the status and the body.
fn ask(url: &str, headers: &[(&str, &str)], sql: &str) -> std::io::Result<(u16, String)> {
    let mut socket = TcpStream::connect(url.trim_start_matches("http://"))?;
    write!(socket, "POST / HTTP/1.0\r\nContent-Length: {}\r\n", sql.len())?;
    for (name, value) in headers {
        write!(socket, "{name}: {value}\r\n")?;
    }
    write!(socket, "\r\n{sql}")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(std::io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok((status, body.trim().to_owned()))
}

fn query(endpoint: &Endpoint, sql: &str) -> std::io::Result<(u16, String)> {
    let headers = [
        (endpoint.header.0.as_str(), endpoint.header.1.expose()),
        ("X-ClickHouse-User", &endpoint.user),
        ("X-ClickHouse-Key", endpoint.password.expose()),
    ];
    ask(&endpoint.url, &headers, sql)
}

/// Level-triggered: looks until it is so.
fn until(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::yield_now();
    }
}

/// Neither running nor a zombie that nobody has waited for yet.
fn gone(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .map_or(true, |stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
}

fn kill(pid: u32) -> Outcome {
    let pid = rustix::process::Pid::from_raw(pid.try_into()?).ok_or("a process")?;
    Ok(rustix::process::kill_process(pid, rustix::process::Signal::KILL)?)
}

fn folder() -> Result<(tempfile::TempDir, PathBuf), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("engine");
    Ok((dir, data))
}

#[test]
fn answers_and_keeps_its_data_over_a_stop() -> Outcome {
    let (_dir, data) = folder()?;
    let first = start(&data)?;
    assert_eq!(std::fs::metadata(&data)?.permissions().mode() & 0o777, 0o700);
    let endpoint = first.endpoint().clone();
    for sql in [
        "CREATE DATABASE tollgate",
        "CREATE TABLE tollgate.t (a UInt64) ENGINE = MergeTree ORDER BY a",
        "INSERT INTO tollgate.t SELECT number FROM numbers(1000)",
    ] {
        let (status, body) = query(&endpoint, sql)?;
        assert_eq!(status, 200, "{sql}: {body}");
    }
    let pid = first.pid().ok_or("up")?;
    let stop = Instant::now();
    first.stop();
    assert!(gone(pid));
    assert!(stop.elapsed() < Duration::from_secs(6), "{:?}", stop.elapsed());
    let second = start(&data)?;
    assert_eq!(query(second.endpoint(), "SELECT count() FROM tollgate.t")?, (200, "1000".into()));
    assert_eq!(second.restarts(), 0);
    Ok(())
}

#[test]
fn an_idle_connection_does_not_hold_up_the_stop() -> Outcome {
    let (_dir, data) = folder()?;
    let engine = start(&data)?;
    let mut idle = TcpStream::connect(engine.endpoint().url.trim_start_matches("http://"))?;
    let secret = engine.endpoint().header.1.expose();
    write!(idle, "GET /ping HTTP/1.1\r\nHost: h\r\n{}: {secret}\r\n\r\n", engine::HEADER)?;
    assert_ne!(idle.read(&mut [0; 1024])?, 0);
    let stop = Instant::now();
    engine.stop();
    assert!(stop.elapsed() < Duration::from_millis(4500), "{:?}", stop.elapsed());
    Ok(())
}

#[test]
fn an_engine_that_does_not_stop_is_killed_in_time() -> Outcome {
    let (_dir, data) = folder()?;
    let engine = start(&data)?;
    let pid = engine.pid().ok_or("up")?;
    assert!(Command::new("kill").args(["-STOP", &pid.to_string()]).status()?.success());
    let stop = Instant::now();
    engine.stop_within(Duration::from_millis(200));
    assert!(stop.elapsed() < Duration::from_secs(2), "{:?}", stop.elapsed());
    assert!(gone(pid));
    Ok(())
}

#[test]
fn locked_without_the_header_and_without_the_password() -> Outcome {
    let (_dir, data) = folder()?;
    let engine = start(&data)?;
    let Endpoint { url, header, user, password } = engine.endpoint();
    let check = |headers: &[(&str, &str)]| ask(url, headers, "SELECT 1").map(|(status, _)| status);
    let key = ("X-ClickHouse-Key", password.expose());
    let user = ("X-ClickHouse-User", user.as_str());
    let header = (header.0.as_str(), header.1.expose());
    assert_eq!(check(&[])?, 404);
    assert_eq!(check(&[user, key])?, 404);
    assert_eq!(check(&[(header.0, "wrong"), user, key])?, 404);
    assert_ne!(check(&[header, user])?, 200);
    assert_ne!(check(&[header, user, ("X-ClickHouse-Key", "wrong")])?, 200);
    assert_eq!(check(&[header, user, key])?, 200);
    Ok(())
}

#[test]
fn our_user_may_do_what_it_needs_and_no_more() -> Outcome {
    let (_dir, data) = folder()?;
    let engine = start(&data)?;
    let check =
        |sql: &str| query(engine.endpoint(), sql).map(|(status, body)| (status == 200, body));
    for sql in [
        "CREATE DATABASE tollgate_test",
        "CREATE TABLE tollgate_test.t (a UInt64) ENGINE = MergeTree ORDER BY a",
        "INSERT INTO tollgate_test.t SELECT * FROM input('a UInt64') WHERE 1 = 1 FORMAT Values (7)",
        "ALTER TABLE tollgate_test.t ADD COLUMN b String",
        "ALTER TABLE tollgate_test.t UPDATE b = 'x' WHERE a = 7",
        "OPTIMIZE TABLE tollgate_test.t FINAL",
        "SELECT count() FROM system.processes",
        "SELECT count() FROM system.parts",
        "KILL QUERY WHERE query_id = 'none' SYNC",
        "DROP DATABASE tollgate_test",
    ] {
        let (good, body) = check(sql)?;
        assert!(good, "{sql}: {body}");
    }
    for sql in [
        "CREATE DATABASE other",
        "CREATE USER u",
        "SELECT * FROM file('/etc/passwd', 'LineAsString', 'l String')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 'l String')",
        "SYSTEM SHUTDOWN",
    ] {
        let (good, body) = check(sql)?;
        assert!(!good && body.contains("ACCESS_DENIED"), "{sql}: {body}");
    }
    assert_eq!(check("SELECT getSetting('async_insert')")?, (true, "false".into()));
    assert_eq!(check("SELECT getSetting('http_receive_timeout')")?, (true, "3".into()));
    let memory = "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'";
    assert_eq!(check(memory)?, (true, (1_u64 << 30).to_string()));
    Ok(())
}

#[test]
fn a_second_start_names_the_holder() -> Outcome {
    let (_dir, data) = folder()?;
    let _first = start(&data)?;
    let error = Engine::start(&config(&data)?, &mut *engine::progress_on_stderr())
        .err()
        .ok_or("refused")?;
    assert!(matches!(&error, StartError::Held { pid, .. } if *pid == Some(std::process::id())));
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    Ok(())
}

#[test]
fn a_killed_engine_is_seen_and_started_again_with_its_data() -> Outcome {
    let (_dir, data) = folder()?;
    let engine = start(&data)?;
    let endpoint = engine.endpoint();
    query(endpoint, "CREATE DATABASE tollgate")?;
    query(endpoint, "CREATE TABLE tollgate.t (a UInt64) ENGINE = MergeTree ORDER BY a")?;
    for round in 1..=3 {
        assert_eq!(query(endpoint, "INSERT INTO tollgate.t VALUES (1)")?.0, 200);
        let mut state = engine.state();
        state.mark_unchanged();
        kill(engine.pid().ok_or("up")?)?;
        until("the death is seen", || state.has_changed().is_ok_and(|changed| changed));
        until("it is up again", || *state.borrow_and_update() == State::Up);
        assert_eq!(engine.restarts(), round);
        let count = query(endpoint, "SELECT count() FROM tollgate.t")?;
        assert_eq!(count, (200, round.to_string()));
    }
    Ok(())
}

#[test]
fn an_engine_that_is_killed_while_it_starts_is_started_again() -> Outcome {
    let (_dir, data) = folder()?;
    std::fs::create_dir_all(&data)?;
    let folder = data.clone();
    let killer = std::thread::spawn(move || {
        until("the child is there", || inside(&folder).is_some_and(|pid| kill(pid).is_ok()));
    });
    let engine = start(&data)?;
    assert!(killer.join().is_ok(), "it was killed");
    until("it answers", || query(engine.endpoint(), "SELECT 1").is_ok_and(|(code, _)| code == 200));
    Ok(())
}

/// A process that works in the folder.
fn inside(folder: &Path) -> Option<u32> {
    let pids = std::fs::read_dir("/proc").ok()?.filter_map(|entry| {
        let entry = entry.ok()?;
        let pid = entry.file_name().to_str()?.parse().ok()?;
        (std::fs::read_link(entry.path().join("cwd")).ok()? == folder).then_some(pid)
    });
    pids.into_iter().next()
}

#[test]
fn a_killed_parent_leaves_no_orphan_and_no_lock() -> Outcome {
    let (_dir, data) = folder()?;
    let mut parent = Command::new(std::env::current_exe()?)
        .args(["--exact", "--nocapture", "parent"])
        .env(PARENT, &data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(parent.stdout.take().ok_or("piped")?).lines();
    let line = lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("@ ")));
    let line = line.ok_or("it came up")??;
    let [_, url, header, password, pid] = line.split(' ').collect::<Vec<_>>()[..] else {
        return Err(line.into());
    };
    let headers = [
        (engine::HEADER, header),
        ("X-ClickHouse-User", engine::USER),
        ("X-ClickHouse-Key", password),
    ];
    assert_eq!(ask(url, &headers, "CREATE DATABASE tollgate")?.0, 200);
    parent.kill()?;
    parent.wait()?;
    // At once: the lock is free, and the dying engine's own lock is waited for.
    let next = start(&data)?;
    let pid: u32 = pid.parse()?;
    until("the old engine is gone", || gone(pid));
    let exists = query(next.endpoint(), "EXISTS DATABASE tollgate")?;
    assert_eq!(exists, (200, "1".into()));
    Ok(())
}

#[test]
fn a_program_that_is_no_engine_is_told() -> Outcome {
    let (_dir, data) = folder()?;
    let program = Program { path: "/bin/false".into(), args: Vec::new() };
    let config = Config { program, ..config(&data)? };
    let error =
        Engine::start(&config, &mut *engine::progress_on_stderr()).err().ok_or("refused")?;
    assert!(matches!(error, StartError::Died { .. }), "{error}");
    let program = Program { path: "/none/engine".into(), args: Vec::new() };
    let config = Config { program, ..config };
    let error =
        Engine::start(&config, &mut *engine::progress_on_stderr()).err().ok_or("refused")?;
    assert!(matches!(error, StartError::Spawn(_)), "{error}");
    Ok(())
}
