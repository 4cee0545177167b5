//! Files of other gateways: what they become, what they become a second time, and their bad lines.

use serde_json::{Value, json};
use tests::lines::{self, Call, GUANGZHOU, SELLER, calls, write_file};
use tests::program::Ran;
use tests::world::World;

use crate::day::{check, closed, ingest, program, proof, up_at, world};

/// The three examples of the provider's documentation: what its console shows of each.
const EXAMPLES: [(&str, &str, &str, &str, &str, &str); 3] = [
    (
        "016f000a044cc9d3ff6f0c99e7cdc1",
        "12:08:49",
        "[rsp_st:404][ups_st:404]",
        "[rsp_len:644][req_len:566][req_t:0.041][ups_rsp_t:0.028][ups_conn_t:0.012][ups_head_t:0.028]",
        "backend_answered",
        "it counts, because the request reached the backend",
    ),
    (
        "7ceea94af3f765f75e58ada0991432f2",
        "12:08:09",
        "[rsp_st:200][ups_st:200]",
        "[rsp_len:749][req_len:578][req_t:0.028][ups_rsp_t:0.016][ups_conn_t:0.000][ups_head_t:0.016]",
        "ok",
        "it counts, because the status is 200",
    ),
    (
        "1efc65a11efc88e75ff52d75fec115f",
        "12:00:03",
        "[rsp_st:404][ups_st:-]",
        "[rsp_len:273][req_len:-][req_t:0.000][ups_rsp_t:-][ups_conn_t:-][ups_head_t:-]",
        "gateway_rejected",
        "it does not count, because the gateway refused it before any backend",
    ),
];

#[test]
fn the_documentations_three_examples_count_count_and_do_not_count() {
    let mut world = world(0);
    let line = |(id, time, statuses, figures, ..): &(&str, &str, &str, &str, &str, &str)| {
        format!(
            "[1251762227][release][service][svc.example.test][-][/a][https]{statuses}\
             [cip:203.0.113.7][uip:-][vip:-]{figures}[err_msg:-][tcp_rtt:-][7]\
             [17/Jan/2024:{time} +0800][req_id:{id}]"
        )
    };
    write_file(&world.folder.path().join("examples"), EXAMPLES.iter().map(line));
    let running = up_at(&mut world, 3, 30);
    let taken = ingest(&world, "bracket", "console", "examples");
    assert_eq!((&taken["stored"], &taken["dead"]), (&json!(3), &json!(0)), "{taken}");
    for (number, (id, time, _, _, reason, words)) in EXAMPLES.iter().enumerate() {
        let billable = number < 2;
        let (status, answer) = running.get(&format!("/v1/logs/{id}"), &running.token);
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["verdict"], json!({"billable": billable, "reason": reason, "rule": 1}));
        let shown = program(&world).json(&["logs", "get", id]);
        let utc = format!("{}T04{}.000Z", lines::DAY, &time[2..]);
        let expect = json!([id, utc, billable, reason]);
        let found = ["req_id", "time", "billable", "reason"].map(|key| shown[key].clone());
        assert_eq!(Value::from(found.to_vec()), expect);
        let table = program(&world).run(&["logs", "get", id]).good();
        assert!(table.out.contains(words), "{}", table.out);
        // Read and written again, it says what it said.
        let text = program(&world).run(&["logs", "get", id, "--output", "text"]).good().out;
        assert!(text.contains(EXAMPLES[number].2) && text.contains(id), "{text}");
    }
    assert!(world.stop().success(), "{}", world.log());
}

fn take(world: &World, more: &[&str], file: &str) -> Ran {
    let words = ["ingest", "--format", "bracket", "--source", "old", "--region", GUANGZHOU];
    program(world).run(&[&words[..], more, &[file]].concat())
}

#[test]
fn a_file_is_taken_in_once_and_one_that_has_grown_is_refused_unless_forced() {
    let mut world = world(0);
    let folder = world.folder.path().to_owned();
    let lines: Vec<String> = calls(0, 9, 20).iter().map(Call::bracket).collect();
    write_file(&folder.join("lines"), lines.clone());
    let longer = calls(0, 9, 25);
    write_file(&folder.join("longer"), longer.iter().map(Call::bracket));
    let running = up_at(&mut world, 8, 30);
    let rows =
        || running.number("SELECT count() FROM records WHERE startsWith(gateway, 'ingest:')");
    let json = |ran: Ran| {
        let json = ran.good().json();
        ["stored", "recognised", "dead"].map(|key| json[key].as_u64().expect("a number"))
    };
    let output = ["--output", "json"];
    assert_eq!(json(take(&world, &output, "lines")), [20, 0, 0]);
    assert_eq!(rows(), 21, "its lines and an end");
    assert_eq!(json(take(&world, &output, "lines")), [0, 20, 0]);
    // From standard input it is the same content, and so the same file.
    let words = ["ingest", "--format", "bracket", "--source", "old", "--region", GUANGZHOU, "-"];
    let text = lines.join("\n") + "\n";
    let again = program(&world).run_on(&words, &text).good();
    assert!(again.out.contains("recognised"), "{}", again.out);
    assert_eq!(rows(), 21);

    let refused = take(&world, &[], "longer");
    let sentence = refused.failed(1);
    for part in ["20 records", "2024-01-17T09:01:00", "2024-01-17T09:03:13", "--force"] {
        assert!(sentence.contains(part), "{part}: {sentence}");
    }
    assert_eq!(rows(), 21);
    assert_eq!(json(take(&world, &["--force", "--output", "json"], "longer")), [25, 0, 0]);
    assert_eq!(rows(), 21 + 26);
    // Another source is another gateway: nothing overlaps.
    let other = ingest(&world, "bracket", "other", "longer");
    assert_eq!(other["stored"], 25, "{other}");
    assert!(world.stop().success(), "{}", world.log());
}

#[test]
fn lines_that_can_not_be_read_are_dead_letters_and_the_proof_counts_them() {
    let mut world = world(0);
    let mut lines: Vec<String> = calls(0, 9, 10).iter().map(Call::bracket).collect();
    lines.insert(3, "garbage".to_owned());
    lines[6] = lines[6].replace("rsp_st:200", "rsp_st:two hundred");
    write_file(&world.folder.path().join("lines"), lines);
    write_file(&world.folder.path().join("none"), ["nothing".to_owned(), "at all".to_owned()]);
    let running = up_at(&mut world, 8, 30);
    for expect in [[9, 0, 2], [0, 11, 0]] {
        let taken = ingest(&world, "bracket", "old", "lines");
        let found = ["stored", "recognised", "dead"].map(|key| taken[key].as_u64());
        assert_eq!(found, expect.map(Some), "{taken}");
    }
    let letters = running.rows("SELECT gateway, seq, reason, bytes FROM dead_letters ORDER BY seq");
    assert_eq!(letters.len(), 2, "{letters:?}");
    for (letter, (seq, reason, bytes)) in letters.iter().zip([
        (3, "line 4: group `time_local` is missing", "garbage"),
        (6, "line 7: group `rsp_st` is not", "rsp_st:two hundred"),
    ]) {
        let word = |key: &str| letter[key].as_str().expect("a text");
        assert_eq!((word("gateway"), &letter["seq"]), ("ingest:old", &json!(seq)), "{letter}");
        assert!(word("reason").contains(reason), "{letter}");
        assert!(word("bytes").contains(bytes), "{letter}");
    }
    let refused = take(&world, &[], "none");
    assert!(refused.failed(1).contains("line 1: "), "{refused:?}");
    assert!(world.stop().success(), "{}", world.log());

    let running = up_at(&mut world, 10, 5);
    closed(&running, 9);
    let proof = proof(&running, 9);
    assert_eq!(proof["complete"], false, "{proof}");
    let streams = proof["proof"]["streams"].as_array().expect("streams");
    let stream = streams.iter().find(|s| s["gateway"] == "ingest:old").expect("its stream");
    let number = |key: &str| stream[key].as_u64().expect("a number");
    assert_eq!((number("stored"), number("dead"), number("missing")), (9 + 1, 2, 0), "{stream}");
    assert_eq!(number("last") - number("first") + 1, 12, "{stream}");
    assert_eq!(check(&running, 9), [("ingest:old".to_owned(), true)]);
    let bill = program(&world).json(&["bills", "show", &lines::hour(9), "--account", SELLER]);
    let calls = bill["bills"][0]["lines"].as_array().expect("lines").iter();
    let calls: Vec<_> = calls.filter(|line| line["item"] == "calls").collect();
    assert_eq!(calls[0]["quantity"], "9", "{bill}");
    // The dead letters are part of what is proved.
    running.sql("ALTER TABLE dead_letters DELETE WHERE seq = 3 SETTINGS mutations_sync = 2");
    assert_eq!(check(&running, 9), [("ingest:old".to_owned(), false)]);
    assert!(world.stop().success(), "{}", world.log());
}
