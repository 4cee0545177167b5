use std::collections::BTreeMap;

use proptest::prelude::{Just, Strategy, prop_oneof, proptest};

use super::*;

/// What happens to a stream, as its messages come.
#[derive(Debug, Clone)]
enum Step {
    /// A message: its number, and which of a few texts it holds.
    Message { seq: u64, hash: u64 },
    /// All in flight is written; those with an odd number as dead letters.
    Settle,
    /// The owner forgets and reads back: what was in flight was written up to here, or not.
    ReadBack { written: bool },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let message = (0_u64..25, 0_u64..10)
        .prop_map(|(seq, text)| Step::Message { seq, hash: if text == 0 { 1 } else { 0 } });
    let read_back = prop_oneof![Just(true), Just(false)];
    let step = prop_oneof![
        8 => message,
        1 => Just(Step::Settle),
        1 => read_back.prop_map(|written| Step::ReadBack { written }),
    ];
    proptest::collection::vec(step, 0..80)
}

/// The naive stream: one entry per number.
#[derive(Default)]
struct Model {
    numbers: BTreeMap<u64, (State, u64)>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Flight,
    Stored,
    Dead,
}

impl Model {
    fn judge(&mut self, seq: u64, hash: u64) -> Judged {
        let next = self.numbers.keys().next_back().map_or(0, |last| last + 1);
        match self.numbers.get(&seq) {
            Some((State::Stored, _)) => Judged::Stored,
            Some((State::Dead, _)) => Judged::Dead,
            Some((State::Flight, same)) if *same == hash => Judged::Twin,
            Some((State::Flight, _)) => Judged::Collision,
            None => {
                self.numbers.insert(seq, (State::Flight, hash));
                Judged::Fresh(if seq == next {
                    Fresh::Next
                } else if seq > next {
                    Fresh::Gap { first: next, last: seq - 1 }
                } else {
                    Fresh::Fills
                })
            }
        }
    }

    fn settle(&mut self) -> Vec<(u64, State)> {
        let mut settled = Vec::new();
        for (&seq, (state, _)) in &mut self.numbers {
            if *state == State::Flight {
                *state = if seq % 2 == 1 { State::Dead } else { State::Stored };
                settled.push((seq, *state));
            }
        }
        settled
    }

    fn with(&self, wanted: State) -> Ranges {
        let of = self.numbers.iter().filter(|(_, (state, _))| *state == wanted);
        of.map(|(&seq, _)| (seq, seq)).collect()
    }
}

proptest! {
    #[test]
    fn a_stream_is_judged_as_its_naive_model(steps in steps()) {
        let (mut known, mut model) = (Known::default(), Model::default());
        for step in steps {
            match step {
                Step::Message { seq, hash } => {
                    assert_eq!(known.judge(seq, hash), model.judge(seq, hash), "{seq}");
                }
                Step::Settle => {
                    let settled = model.settle();
                    let (dead, stored): (Vec<_>, Vec<_>) =
                        settled.into_iter().partition(|(_, state)| *state == State::Dead);
                    dead.iter().for_each(|(seq, _)| known.dead(*seq));
                    assert_eq!(known.landed(), stored.len() as u64);
                }
                Step::ReadBack { written } => {
                    if written {
                        model.settle();
                    } else {
                        model.numbers.retain(|_, (state, _)| *state != State::Flight);
                    }
                    known = Known::new(model.with(State::Stored), &model.with(State::Dead));
                }
            }
        }
    }
}

#[test]
fn a_stored_number_is_not_dead_whatever_its_dead_letters_say() {
    let mut known = Known::new(Ranges::span(0, 4), &Ranges::span(3, 6));
    assert_eq!(known.judge(3, 9), Judged::Stored);
    assert_eq!(known.judge(5, 9), Judged::Dead);
    assert_eq!(known.judge(7, 9), Judged::Fresh(Fresh::Next));
}
