//! What is suspended and released, over starts, reloads, full disks and logs that are put away.

use std::os::unix::fs::PermissionsExt;

use settings::{Document, Reference, Resolve, Sink};
use tempfile::TempDir;

use super::*;

const ARREARS: &str = ", suspended: {reason: arrears}";
const COMPLIANCE: &str = ", suspended: {reason: compliance}";
const SERVICE: &str = "\n  suspended: {reason: arrears}";

struct NoSecrets;

impl Resolve for NoSecrets {
    fn resolve(&self, _reference: Reference<'_>) -> Result<String, String> {
        Err("no secrets here".to_owned())
    }
}

/// A service with these settings, and its API `a` with those.
fn policy(service: &str, api: &str) -> Policy {
    read(&format!(
        "services:\n- id: s\n  account: a\n  hosts: [h]{service}\n  apis:\n  \
         - {{id: a, path: /, backend: {{mock: {{}}}}{api}}}\n"
    ))
}

fn read(text: &str) -> Policy {
    let sink = Sink::new();
    let document = Document::parse("t.yaml", text, &sink).expect("it is YAML");
    let fields = document.root(&sink).fields().expect("a mapping");
    let services = fields.required("services").expect("services");
    let policy = policy::read(&services, None, &NoSecrets);
    sink.finish(policy).expect("no mistakes")
}

fn open(folder: &TempDir) -> Audit {
    Audit::open(folder.path()).expect("the log can be read")
}

fn note(audit: &mut Audit, policy: &Policy, by: &'static str) -> usize {
    let said = Said { gateway: "g", file: Path::new("/etc/t.yaml"), by, now: Time(0) };
    audit.note(policy, said)
}

/// Act, API, reason, who and line of each line of a log.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let entries = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let word = |value: &Value| match value {
        Value::String(word) => word.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let keys = ["act", "api", "reason", "by", "line"];
    entries.map(|entry| keys.map(|key| word(&entry[key])).join(" ")).collect()
}

#[test]
fn each_change_is_told_once_also_when_it_was_made_while_nothing_ran() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("audit.log");
    let (free, held) = (policy("", ""), policy("", ARREARS));
    let mut audit = open(&folder);
    assert_eq!(note(&mut audit, &free, "start"), 0);
    assert!(!log.exists(), "nothing to tell");
    assert_eq!(note(&mut audit, &held, "reload"), 0);
    assert_eq!(note(&mut audit, &held, "reload"), 0);
    assert_eq!(note(&mut audit, &policy("", COMPLIANCE), "reload"), 0);
    let mut expect = vec!["suspended a arrears reload 6", "suspended a compliance reload 6"];
    assert_eq!(lines(&log), expect);
    let mode = fs::metadata(&log).expect("the log").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let mut audit = open(&folder);
    note(&mut audit, &policy("", COMPLIANCE), "start");
    assert_eq!(lines(&log), expect, "nothing has changed");
    let mut audit = open(&folder);
    note(&mut audit, &policy(SERVICE, ""), "start");
    expect.extend(["suspended - arrears start 5", "released a compliance start -"]);
    assert_eq!(lines(&log), expect);
    note(&mut audit, &free, "reload");
    expect.push("released - arrears reload -");
    assert_eq!(lines(&log), expect);

    // With the API goes its suspension, which is no release.
    note(&mut audit, &held, "reload");
    note(&mut audit, &read("services: [{id: s, account: a, hosts: [h]}]"), "reload");
    expect.extend(["suspended a arrears reload 6", "removed a arrears reload -"]);
    assert_eq!(lines(&log), expect);
}

#[test]
fn what_the_disk_does_not_take_waits_and_is_written_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let gone = folder.path().join("gone");
    let mut audit = Audit::open(&gone).expect("nothing to read");
    let waiting = note(&mut audit, &policy("", ARREARS), "reload");
    assert!(waiting > 0);
    assert!(note(&mut audit, &policy("", ""), "reload") > waiting);
    fs::create_dir(&gone).expect("a folder");
    assert_eq!(audit.write(), 0);
    let expect = ["suspended a arrears reload 6", "released a arrears reload -"];
    assert_eq!(lines(&gone.join("audit.log")), expect);
    assert_eq!(audit.write(), 0);
    assert_eq!(lines(&gone.join("audit.log")), expect, "nothing twice");
}

#[test]
fn a_line_that_was_cut_off_is_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("audit.log");
    note(&mut open(&folder), &policy("", ARREARS), "start");
    let whole = fs::read_to_string(&log).expect("the log");
    fs::write(&log, format!("{whole}{}", &whole[..whole.len() / 2])).expect("written");
    note(&mut open(&folder), &policy("", ""), "start");
    assert_eq!(lines(&log), ["suspended a arrears start 6", "released a arrears start -"]);
}

#[test]
fn a_large_log_is_put_away_and_what_stands_is_still_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("audit.log");
    let mut audit = open(&folder);
    audit.size = 1000;
    for _ in 0..100 {
        note(&mut audit, &policy(SERVICE, ARREARS), "reload");
        note(&mut audit, &policy(SERVICE, COMPLIANCE), "reload");
    }
    let files = fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(files, 1 + usize::try_from(OLDER).expect("it fits"));
    assert!(lines(&log)[0].starts_with("standing"), "{:?}", lines(&log));
    note(&mut open(&folder), &policy(SERVICE, COMPLIANCE), "start");
    assert!(lines(&log).iter().all(|line| !line.contains("start")), "{:?}", lines(&log));
    // Nor is anything told again when the end came before the new log began.
    fs::remove_file(&log).expect("the log");
    let last = lines(&older(&log, 1)).pop().expect("a line");
    let api = if last.contains("arrears") { ARREARS } else { COMPLIANCE };
    note(&mut open(&folder), &policy(SERVICE, api), "start");
    assert!(!log.exists(), "{:?}", lines(&log));
}
