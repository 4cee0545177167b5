//! Dead letters: found, shown, tried again.

use metering::{RetryError, dead_letter, dead_letters, retry};
use record::Time;

use crate::world::{Gateway, World, at, hour, run};

const ROWS: &str = "SELECT count() AS n FROM records";
const LETTERS: &str = "SELECT count() AS n FROM dead_letters";

#[test]
fn a_letter_that_became_readable_is_stored_once_and_billed_as_a_correction() {
    run(async {
        let world = World::new("dead_retried").await;
        let mut gateway = Gateway::new("g", at(13, 0));
        let mut messages = vec![gateway.start(at(13, 0), None), gateway.call(at(13, 1))];
        let good = gateway.call(at(13, 2));
        // What stands in the letter is good today; the program of that day could not read it.
        let mut bad = good.clone();
        bad.1.insert(0, b'!');
        messages.push(bad);
        let far = Time(at(13, 3).0 + 400 * 86_400_000);
        messages.push(gateway.record(far, |_| ()));
        messages.push((None, b"noise".to_vec()));
        messages.extend((14..18).map(|of| gateway.beat(at(of, 0))));
        world.take("spool:g", messages).await.expect("taken");
        assert_eq!(world.close(at(14, 30)).await, 1);
        assert_eq!(world.proof(hour(13)).await["complete"], false);

        let letters = dead_letters(&world.store, 10).await.expect("letters");
        let seqs: Vec<_> = letters.iter().map(|letter| letter.seq).collect();
        assert_eq!((letters.len(), seqs.contains(&None), seqs.contains(&Some(3))), (3, true, true));
        let far = letters.iter().find(|letter| letter.seq == Some(3)).expect("the far one");
        assert!(far.reason.starts_with("untimely: 2027-12-25"), "{}", far.reason);
        let one = letters.iter().find(|letter| letter.seq == Some(2)).expect("the good one");
        let (shown, bytes) = dead_letter(&world.store, &one.id).await.expect("it is there");
        assert_eq!((&shown, bytes[0], &bytes[1..]), (one, b'!', &good.1[..]));

        let ids: Vec<String> = letters.iter().map(|letter| letter.id.clone()).collect();
        let none = retry(&world.store, &ids, "a test").await.expect("tried");
        assert_eq!((none.tried, none.stored, none.dead), (3, 0, 3));
        assert_eq!((world.number(ROWS).await, world.number(LETTERS).await), (6, 3));
        let mend = "ALTER TABLE dead_letters UPDATE bytes = substring(bytes, 2) WHERE seq = 2";
        world.execute(&format!("{mend} SETTINGS mutations_sync = 1")).await;
        for (stored, stood) in [(1, 0), (0, 1)] {
            let done =
                retry(&world.store, std::slice::from_ref(&one.id), "a test").await.expect("tried");
            assert_eq!((done.tried, done.stored, done.stood, done.dead), (1, stored, stood, 0));
        }
        assert_eq!((world.number(ROWS).await, world.number(LETTERS).await), (7, 3));
        assert_eq!(world.close(at(15, 0)).await, 1);
        assert!(world.bills().await[1].contains("corrects_hour"), "billed in the next hour");

        let unknown = retry(&world.store, &["0123456789abcdef".to_owned()], "a test").await;
        assert!(matches!(unknown, Err(RetryError::Unknown(_))));
    });
}
