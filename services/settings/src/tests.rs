use std::time::Duration;

use super::*;

struct Known;

impl Resolve for Known {
    fn resolve(&self, reference: Reference<'_>) -> Result<String, String> {
        match reference {
            Reference::Env("KEY") => Ok("hidden".to_owned()),
            Reference::Env(name) => Err(format!("environment variable {name} is not set")),
            Reference::File(path) => Err(format!("no file {path}")),
        }
    }
}

/// Reads a text with one shape of everything; gives the mistakes, one line each.
fn check(text: &str) -> String {
    let sink = Sink::new();
    let document = Document::parse("t.yaml", text, &sink);
    let read = document.as_ref().and_then(|document| {
        let fields = document.root(&sink).fields()?;
        let _name: Option<String> = fields.get("name");
        let _wait = fields.get_or("wait", Duration::from_secs(1));
        let _size = fields.get_or("size", ByteSize(1));
        let _on = fields.get_or("on", false);
        for item in fields.list("items") {
            let Some(item) = item.fields() else { continue };
            let _port: Option<u16> = item.get("port");
            item.close();
        }
        if let Some(secret) = fields.optional("secret") {
            let secret = secret.secret(&Known);
            assert!(!format!("{secret:?}").contains("hidden"));
        }
        fields.close();
        Some(())
    });
    match sink.finish(read) {
        Ok(()) => String::new(),
        Err(mistakes) => mistakes.to_string(),
    }
}

#[test]
fn good_text_has_no_mistakes() {
    let text =
        "name: a\nwait: 250ms\nsize: 16MiB\non: true\nitems:\n- port: 80\nsecret: ${env:KEY}";
    assert_eq!(check(text), "");
}

#[test]
fn every_mistake_is_reported_at_once_with_line_and_path() {
    let text =
        "wait: 5 weeks\non: yes\nitems:\n- port: 70000\n- prot: 1\n- 7\nnmae: x\nsecret: ${env:NO}";
    assert_eq!(
        check(text),
        "t.yaml:1: `name` is missing\n\
         t.yaml:1: wait: `5 weeks` is not a duration, like `250ms`, `5s`, `25m`, `12h` or `30d`\n\
         t.yaml:2: on: `yes` is not `true` or `false`\n\
         t.yaml:4: items[0].port: `70000` is not a whole number: from 0 to 65535 are accepted\n\
         t.yaml:5: items[1]: `port` is missing\n\
         t.yaml:5: items[1].prot: unknown key; known here: port\n\
         t.yaml:6: items[2]: expected a mapping (`key: value`), found a single value\n\
         t.yaml:7: nmae: unknown key; known here: name, wait, size, on, items, secret\n\
         t.yaml:8: secret: the secret can not be read: environment variable NO is not set"
    );
}

#[test]
fn a_word_is_one_of_a_few_and_the_first_when_there_is_none() {
    let choose = |text: &str| {
        let sink = Sink::new();
        let document = Document::parse("t.yaml", text, &sink);
        let chosen = document.as_ref().and_then(|document| {
            let fields = document.root(&sink).fields()?;
            let chosen = fields.choice("mode", &[("fast", 1), ("safe", 2)]);
            fields.close();
            chosen
        });
        sink.finish(chosen).map_err(|mistakes| mistakes.to_string())
    };
    assert_eq!(choose("{}"), Ok(1));
    assert_eq!(choose("mode: fast"), Ok(1));
    assert_eq!(choose("mode: safe"), Ok(2));
    let mistake = "t.yaml:1: mode: `Safe` is not one of `fast`, `safe`";
    assert_eq!(choose("mode: Safe"), Err(mistake.to_owned()));
    assert!(choose("mode: [safe]").is_err());
}

#[test]
fn what_a_configuration_does_not_need_is_refused() {
    assert!(check("name: &a x").contains("t.yaml:1: anchors are not supported"));
    assert!(check("name: a\nitems: *b").starts_with("t.yaml:2:"));
    assert!(check("name: !!str x").contains("tags are not supported"));
    assert_eq!(check("name: a\nname: b"), "t.yaml:2: the key `name` stands twice, first in line 1");
    assert!(check("name: a\n---\nname: b").contains("one document per file"));
    assert!(check("name: [").starts_with("t.yaml:1: not valid YAML"));
    assert!(check("name: [\n").starts_with("t.yaml:1: not valid YAML"));
    assert!(check(&format!("name: {}", "[".repeat(40))).contains("nested deeper than 32 levels"));
}

#[test]
fn an_empty_text_is_missing_everything() {
    assert_eq!(check(""), "t.yaml:1: expected a mapping (`key: value`), found nothing");
}

/// Reads a list of parts that can be left out, each with a number below 10.
fn parts(text: &str) -> Result<(Vec<bool>, usize), String> {
    let sink = Sink::new();
    let document = Document::parse("t.yaml", text, &sink).expect("it is YAML");
    let root = document.root(&sink);
    let read = |part: &Value<'_>| {
        let before = part.faults();
        let part = part.apart();
        let fields = part.fields()?;
        let number = fields.required("number");
        if let Some(number) = number
            && number.scalar::<u16>().is_some_and(|number| number >= 10)
        {
            number.mistake("too large");
        }
        fields.close();
        Some(part.faults() == before)
    };
    let good: Option<Vec<bool>> = root.items().iter().map(read).collect();
    match sink.finish_but_faults(good) {
        Ok((good, faults)) => Ok((good, faults.list.len() + faults.more)),
        Err(mistakes) => Err(mistakes.to_string()),
    }
}

#[test]
fn faults_of_parts_leave_the_rest_good() {
    assert_eq!(parts("- number: 1\n- number: 2"), Ok((vec![true, true], 0)));
    assert_eq!(parts("- number: 1\n- number: 10\n- {}"), Ok((vec![true, false, false], 2)));
    // More than are kept.
    let many = "- number: 11\n".repeat(150);
    assert_eq!(parts(&many), Ok((vec![false; 150], 150)));
}

#[test]
fn a_mistake_in_a_part_refuses_the_whole_and_faults_are_said_beside_it() {
    let large = "t.yaml:1: [0].number: too large";
    for (part, mistake) in [
        (
            "number: ten",
            "t.yaml:2: [1].number: `ten` is not a whole number: from 0 to 65535 are accepted",
        ),
        ("number: 1\n  nmber: 2", "t.yaml:3: [1].nmber: unknown key; known here: number"),
        ("number: [1]", "t.yaml:2: [1].number: expected a whole number, found a list"),
    ] {
        let text = format!("- number: 10\n- {part}");
        assert_eq!(parts(&text), Err(format!("{large}\n{mistake}")));
    }
    // Also when only faults were kept.
    let text = format!("{}- number: ten", "- number: 11\n".repeat(150));
    let mistakes = parts(&text).expect_err("a mistake");
    assert!(mistakes.ends_with("… and 51 more"), "{mistakes}");
}
