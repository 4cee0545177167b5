//! Rows that fill holes of earlier shares, and what a proof sees of what comes late.

use metering::dry_run;

use crate::world::{Gateway, World, at, hour, run};

/// Hour 13 is cut at its deadline, with a hole that hour 14 shares; then the hole is filled.
async fn filled(name: &str) -> World {
    let world = World::new(name).await;
    let mut gateway = Gateway::new("g", at(13, 0));
    let mut messages = vec![gateway.start(at(13, 0), None)];
    messages.extend(gateway.calls(at(13, 1), 5));
    let mut late = gateway.calls(at(13, 50), 2);
    late.extend(gateway.calls(at(14, 1), 3));
    messages.push(gateway.call(at(14, 2)));
    world.take("spool:g", messages).await.expect("taken");
    assert_eq!(world.close(at(14, 25)).await, 1, "13 at its deadline");
    late.extend((15..18).map(|of| gateway.beat(at(of, 0))));
    world.take("spool:g", late).await.expect("taken");
    world
}

fn calls(bill: &str) -> Vec<(String, String)> {
    let bill: serde_json::Value = serde_json::from_str(bill).expect("JSON");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("").to_owned();
    let lines = bill["lines"].as_array().expect("lines").iter();
    let lines = lines.filter(|line| line["item"] == "calls");
    lines.map(|line| (text(&line["quantity"]), text(&line["corrects_hour"]))).collect()
}

#[test]
fn rows_of_an_hour_that_lie_in_an_earlier_share_are_in_its_own_bill() {
    run(async {
        let world = filled("strays").await;
        assert_eq!(world.close(at(15, 0)).await, 1);
        let bills = world.bills().await;
        assert_eq!(calls(&bills[0]), [("5".to_owned(), String::new())]);
        let corrected = ("2".to_owned(), hour(13).to_string());
        assert_eq!(calls(&bills[1]), [("4".to_owned(), String::new()), corrected]);
        let proof = world.proof(hour(14)).await;
        let late = |at: usize| (&proof["late"][at]["hour"], &proof["late"][at]["records"]);
        assert_eq!(late(0), (&hour(13).to_string().into(), &2.into()));
        assert_eq!(late(1), (&hour(14).to_string().into(), &3.into()));
        // The share, and both late entries.
        let name = format!("g/{}/0", at(13, 0).0);
        assert_eq!(world.check(hour(14)).await, vec![(name, true); 3]);
        let again = dry_run(&world.store, None, hour(14), at(20, 0)).await.expect("computed");
        assert_eq!(again.same(), Some(true));
        // All of it is frozen now: nothing comes up again.
        assert_eq!(world.close(at(17, 0)).await, 2);
        assert_eq!(world.bills().await.len(), 2);
        assert_eq!(world.proof(hour(15)).await["late"], serde_json::json!([]));
    });
}

#[test]
fn the_proof_finds_what_was_altered_among_late_rows_in_the_closing_and_in_the_cut() {
    run(async {
        let world = filled("strays_proof").await;
        assert_eq!(world.close(at(17, 0)).await, 3);
        let verdicts = |of: i64| {
            let world = &world;
            async move { world.check(hour(of)).await.into_iter().map(|(_, ok)| ok).collect::<Vec<_>>() }
        };
        assert_eq!((verdicts(13).await, verdicts(14).await), (vec![true], vec![true; 3]));
        let alter = |text: &str| {
            let text = format!("{text} SETTINGS mutations_sync = 1");
            let world = &world;
            async move { world.execute(&text).await }
        };
        // A late row; then as it was.
        for (bytes, ok) in [(7, false), (1 << 20, true)] {
            alter(&format!("ALTER TABLE records UPDATE rsp_len = {bytes} WHERE seq = 6")).await;
            assert_eq!(verdicts(14).await, [true, ok, true]);
        }
        // The closing says less than the cut, and that nothing is missing.
        let said = "WHERE hour = '2026-11-20 13:00:00'";
        let edit = "replaceOne(replaceOne(replaceOne(proof, '\"last\":10', '\"last\":5'), \
                    '\"missing\":5', '\"missing\":0'), '\"complete\":false', '\"complete\":true')";
        alter(&format!("ALTER TABLE closings UPDATE proof = {edit} {said}")).await;
        assert_eq!(verdicts(13).await, [false]);
        // One more cut for the hour.
        alter("ALTER TABLE cuts DELETE WHERE hour = '2026-11-20 15:00:00'").await;
        world
            .execute(
                "INSERT INTO cuts (hour, cut, hash) SELECT hour, cut, hash FROM cuts \
                       WHERE hour = '2026-11-20 14:00:00'",
            )
            .await;
        let proof = world.proof(hour(14)).await;
        let sql = proof["sql"].as_str().expect("its SQL");
        let bad =
            world.number(&format!("SELECT countIf(NOT ok) = count() AS n FROM ({sql})")).await;
        assert_eq!(bad, 1, "nothing holds with two cuts");
    });
}
