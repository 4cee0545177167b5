//! What docs/try.md says works against the demo: curl, a signer that is not ours to trust, a page
//! of another origin in a real browser; and each answer leaves one record.

use std::fs;
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tests::wait;
use tests::world::{Running, STORE_MAX};

use super::{DEMO_MAX, Demo, demo, folder_of};
use crate::EXE;

/// Programs that this test runs, and the Debian package that each comes in.
const PROGRAMS: [(&str, &str); 4] =
    [("bash", "bash"), ("curl", "curl"), ("python3", "python3"), ("chromium", "chromium")];
/// A browser's start on a busy machine, and two fetches.
const BROWSER_MAX: Duration = Duration::from_secs(60);
/// Stands for anything, in an expected answer.
const ANYTHING: char = '…';

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the root").to_owned()
}

/// A process group of ours; it is ended when this is dropped.
struct Group(Child);

impl Group {
    fn start(command: &mut Command) -> Self {
        Self(command.process_group(0).spawn().expect("it was there a moment ago"))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        // It may have ended; then there is nobody to kill.
        pid.map(|pid| kill_process_group(pid, Signal::KILL));
        self.0.wait().ok();
    }
}

fn every_program_is_there() {
    for (program, package) in PROGRAMS {
        let ran = Command::new(program).arg("--version").output();
        let missing = ran.is_err_and(|error| error.kind() == ErrorKind::NotFound);
        assert!(!missing, "this test runs `{program}`: install the Debian package `{package}`");
    }
}

/// Pairs of commands and their expected output, as the document shows them.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split("\n```sh\n").skip(1);
    let pair = |part| {
        let (commands, rest): (&str, &str) = str::split_once(part, "\n```\n```text\n")?;
        let (expected, _) = rest.split_once("\n```")?;
        Some((commands, expected))
    };
    parts.map(|part| pair(part).unwrap_or_else(|| panic!("no answer follows:\n{part}"))).collect()
}

/// Whether a text is the expected one, where [`ANYTHING`] stands for some of it.
fn matches(text: &str, expected: &str) -> bool {
    let mut parts = expected.split(ANYTHING);
    let Some(rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    let Some(mut rest) = rest.strip_suffix(last) else { return false };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    true
}

/// Runs commands as a person would who has pasted the demo's line.
fn shell(folder: &Path, export: &str, commands: &str) -> Output {
    let path = std::env::var("PATH").expect("there is a PATH");
    let examples = folder.join("examples");
    if !examples.exists() {
        symlink(root().join("examples"), examples).expect("a link");
        symlink(EXE, folder.join("tollgate")).expect("a link");
    }
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &format!("{export}\n{commands}")])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", folder.display()))
        .output();
    output.expect("it was there a moment ago")
}

/// The demo's line to paste: it is printed when all is stored and shown.
fn export_of(demo: &mut Demo) -> String {
    let out = BufReader::new(demo.0.stdout.take().expect("a pipe"));
    let mut export = None;
    for line in out.lines().map_while(Result::ok) {
        if line.trim_start().starts_with("export TOLLGATE_URL=") {
            export = Some(line.trim().to_owned());
        }
        if line.contains("/v1/proofs/") {
            break;
        }
    }
    export.expect("the demo prints a line to paste")
}

/// The page as a browser shows it, once both of its fetches have ended.
fn page(folder: &Path, gateway: &str) -> String {
    let mut files = Command::new("python3");
    files.args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory"]);
    files.arg(root().join("examples")).arg("0").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut files = Group::start(&mut files);
    let said = files.0.stdout.take().expect("a pipe");
    let said = BufReader::new(said).lines().next().expect("a line").expect("a line");
    let origin = said.split(['(', ')']).nth(1).expect(&said).trim_end_matches('/').to_owned();

    let mut browser = Command::new("chromium");
    browser.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--virtual-time-budget=20000",
        "--dump-dom",
    ]);
    browser.arg(format!("--user-data-dir={}", folder.join("browser").display()));
    browser.arg(format!("{origin}/page.html#{gateway}"));
    let dom = folder.join("dom.html");
    let (out, err) = (fs::File::create(&dom), fs::File::create(folder.join("browser.log")));
    browser.stdin(Stdio::null()).stdout(out.expect("a file")).stderr(err.expect("a file"));
    let mut browser = Group::start(&mut browser);
    let ended = wait::within(BROWSER_MAX, || browser.0.try_wait().expect("a child"));
    let log = || fs::read_to_string(folder.join("browser.log")).unwrap_or_default();
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}\n{}", log());
    fs::read_to_string(dom).expect("the browser's words are UTF-8")
}

/// What is shown in a paragraph of the page.
fn shown<'p>(page: &'p str, id: &str) -> &'p str {
    let paragraph = page.split(&format!("<p id=\"{id}\">")).nth(1).expect(page);
    let (_, span) = paragraph.split_once("<span>").expect(page);
    span.split_once("</span>").expect(page).0
}

/// Method and status of every final record of requests with this query, in order.
fn records(running: &Running, query: &str, count: usize) -> Vec<String> {
    let sql = format!(
        "SELECT concat(method, ' ', toString(rsp_st)) FROM records \
         WHERE part = 'final' AND query = '{query}' ORDER BY req_id, seq"
    );
    wait::until("the records", STORE_MAX, || {
        let lines: Vec<String> = running.sql(&sql).lines().map(str::to_owned).collect();
        (lines.len() >= count).then_some(lines)
    })
}

#[test]
fn what_the_document_says_works_with_curl_a_signer_and_a_browser() {
    every_program_is_there();
    let base = tempfile::tempdir().expect("a folder");
    let command = &mut demo(base.path()).command(&["demo", "--requests", "200"]);
    let mut demo = Demo(command.spawn().expect("it starts"));
    let running = wait::until("the demo's start", DEMO_MAX, || {
        assert_eq!(demo.0.try_wait().expect("a child"), None, "the demo ended");
        let said = fs::read(folder_of(base.path())?.join("data/running.json")).ok()?;
        Running::new(&serde_json::from_slice(&said).ok()?, 0)
    });
    let export = export_of(&mut demo);
    let gateway = export.split("GATEWAY=").nth(1).expect("the line names the gateway");

    let folder = base.path().join("person");
    fs::create_dir(&folder).expect("a folder");
    let text = fs::read_to_string(root().join("docs/try.md")).expect("the document");
    let blocks = blocks(&text);
    assert_eq!(blocks.len(), 7, "the document's blocks");
    let try_it = |(commands, expected): (&str, &str)| {
        let ran = shell(&folder, &export, commands);
        let said = String::from_utf8_lossy(&ran.stdout);
        let right = ran.status.success() && matches(said.trim_end(), expected);
        let more = String::from_utf8_lossy(&ran.stderr);
        assert!(right, "{commands}\n-- says --\n{said}{more}\n-- is to say --\n{expected}");
    };
    blocks[..6].iter().copied().for_each(&try_it);
    let signed = records(&running, "from=signer", 4);
    assert_eq!(signed, ["GET 200"; 4], "one for each algorithm");
    let applications = records(&running, "b=2&a=1", 2);
    assert_eq!(applications, ["GET 200", "GET 401"], "one for each answer to an application");

    let page = page(&folder, gateway);
    let open = shown(&page, "open");
    let id = open.strip_prefix("200, \"hello from the gateway\", request ").expect(open);
    assert!(id.len() == 36 || id.len() == 32, "the page reads the request's id: {id}");
    assert!(shown(&page, "closed").starts_with("the browser lets nothing through"), "{page}");
    let mut found = records(&running, "from=page", 3);
    found.sort();
    assert_eq!(found, ["GET 200", "GET 429", "OPTIONS 204"], "one for each, the preflight too");
    try_it(blocks[6]);
}

#[test]
fn an_expected_answer_may_leave_parts_open() {
    for (text, expected, good) in [
        ("a", "a", true),
        ("a", "b", false),
        ("ab", "a", false),
        ("a1b", "a…b", true),
        ("ab", "a…b", true),
        ("a1c", "a…b", false),
        ("a1b2c", "a…b…c", true),
        ("a1c", "a…b…c", false),
        ("aba", "ab…ba", false),
    ] {
        assert_eq!(matches(text, expected), good, "{text} {expected}");
    }
}
