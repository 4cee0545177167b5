//! `cargo run -p tests --bin sabotage`: shows that the test of each promise can fail.
//!
//! Each `tests/sabotage/<PROMISE>.patch`, or `<PROMISE>.<word>.patch`, breaks one promise in
//! `services/` or `schemas/`. It is
//! applied to a copy of the tree, and the test that it names must pass without it and fail with
//! it, by its own assertion. A patch that does not apply, a build error, a time-out, a missing
//! test or another way of failing is an error of the run: exit code 1.
//!
//! `cargo run -p tests --bin sabotage -- DUP-1 BILL-2` runs some. All of them take twelve minutes on
//! two cores; the first run takes longer, since the copy has a build folder of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use tests::sabotage::{Commands, Interrupted, Patch, Seen, Test, Tree, judge, read};

/// Why a promise is not shown; none when it is.
type Outcome = Option<String>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let only: Vec<String> = std::env::args().skip(1).collect();
    match run(&only).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say("sabotage", &format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Runs all patches, or those named; true when every promise is shown.
async fn run(only: &[String]) -> anyhow::Result<bool> {
    let began = Instant::now();
    let patches = match only {
        [] => Patch::all()?,
        names => Patch::some(names)?,
    };
    let mut commands = Commands::new()?;
    let tree = Tree::copy()?;
    say("sabotage", &format!("the copy is there, {} files had changed", tree.changed));
    let mut outcomes = without(&tree, &mut commands, &patches).await?;
    for (patch, outcome) in patches.iter().zip(&mut outcomes) {
        if outcome.is_none() {
            *outcome = with(&tree, &mut commands, patch).await?;
        }
    }
    for (patch, outcome) in patches.iter().zip(&outcomes) {
        if let Some(why) = outcome {
            let first = why.lines().next().unwrap_or_default();
            say(&patch.name, &format!("NOT SHOWN: {first}"));
        }
    }
    let failed = outcomes.iter().flatten().count();
    let shown = outcomes.len() - failed;
    let took = seconds(began.elapsed());
    say("sabotage", &format!("{shown} patches shown, {failed} not, in {took}"));
    Ok(failed == 0)
}

/// First all tests on the good tree, which is built once for all of them. What does not build
/// without a patch ends the run.
async fn without(
    tree: &Tree,
    commands: &mut Commands,
    patches: &[Patch],
) -> anyhow::Result<Vec<Outcome>> {
    let mut binaries = BTreeSet::new();
    for Patch { test, .. } in patches {
        if binaries.insert(test.binary()) {
            let built = tree.build(commands, test).await.context("the good tree")?;
            let took = seconds(built.took);
            say("sabotage", &format!("{} of {} is built, {took}", test.target, test.package));
        }
    }
    let mut seen: BTreeMap<&Test, Outcome> = BTreeMap::new();
    for Patch { name, test, .. } in patches {
        if !seen.contains_key(test) {
            say(name, &format!("without the patch: {test}"));
            let passes = pass(tree, commands, test).await;
            seen.insert(test, told(name, passes, "passes")?);
        }
    }
    Ok(patches.iter().map(|patch| seen[&patch.test].clone()).collect())
}

async fn pass(tree: &Tree, commands: &mut Commands, test: &Test) -> anyhow::Result<String> {
    let ran = tree.run(commands, test).await?;
    match read(test, &ran)? {
        Seen::Passed => Ok(format!("run in {}", seconds(ran.took))),
        Seen::Failed { file, line, message } => {
            anyhow::bail!("the test fails without the patch: {file}:{line}: {message}")
        }
    }
}

/// Then each test on a tree that is broken for it.
async fn with(tree: &Tree, commands: &mut Commands, patch: &Patch) -> anyhow::Result<Outcome> {
    say(&patch.name, &format!("with the patch: {}", patch.why));
    let fails = fail(tree, commands, patch).await;
    tree.restore()?;
    told(&patch.name, fails, "SHOWN")
}

async fn fail(tree: &Tree, commands: &mut Commands, patch: &Patch) -> anyhow::Result<String> {
    tree.apply(patch)?;
    let built = tree.build(commands, &patch.test).await?;
    let ran = tree.run(commands, &patch.test).await?;
    let said = judge(patch, &ran)?;
    let (built, ran) = (seconds(built.took), seconds(ran.took));
    Ok(format!("built in {built}, run in {ran}, {said}"))
}

/// Says what came out; only an interruption ends the run.
fn told(promise: &str, done: anyhow::Result<String>, good: &str) -> anyhow::Result<Outcome> {
    match done {
        Ok(how) => {
            say(promise, &format!("{good}: {how}"));
            Ok(None)
        }
        Err(error) if error.is::<Interrupted>() => Err(error),
        Err(error) => {
            let why = format!("{error:#}");
            say(promise, &format!("NOT SHOWN: {why}"));
            Ok(Some(why))
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{}.{} s", time.as_secs(), time.subsec_millis() / 100)
}

/// One line of progress.
fn say(who: &str, what: &str) {
    eprintln!("{who}: {what}");
}
