//! The room of what past exchanges noted, for later ones: four allocations of each are saved.

use std::cell::RefCell;
use std::mem;

use super::{Facts, Tries};

/// So many are kept at most: a burst does not hold on to its memory.
const KEPT_MAX: usize = 256;

/// The rooms of one worker.
#[derive(Default)]
pub(crate) struct Spares(RefCell<Vec<Room>>);

/// Texts and lists that are empty, but have room.
#[derive(Default)]
struct Room {
    account: String,
    service_id: String,
    api_id: String,
    tries: Tries,
}

// === impl Spares ===

impl Spares {
    /// Facts of which nothing is known.
    pub(super) fn take(&self) -> Facts {
        let Room { account, service_id, api_id, tries } =
            self.0.borrow_mut().pop().unwrap_or_default();
        Facts { account, service_id, api_id, tries, ..Facts::default() }
    }

    /// Keeps the room of `facts`, and nothing that they say.
    pub(super) fn give(&self, facts: &mut Facts) {
        let mut kept = self.0.borrow_mut();
        if kept.len() == KEPT_MAX {
            return;
        }
        let mut room = Room {
            account: mem::take(&mut facts.account),
            service_id: mem::take(&mut facts.service_id),
            api_id: mem::take(&mut facts.api_id),
            tries: mem::take(&mut facts.tries),
        };
        for text in [&mut room.account, &mut room.service_id, &mut room.api_id] {
            text.clear();
        }
        room.tries.clear();
        kept.push(room);
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Instant;

    use record::Net;

    use super::*;

    #[test]
    fn room_is_lent_on_but_nothing_that_was_noted() {
        let spares = Spares::default();
        let mut facts = spares.take();
        facts.account.push_str("1250000001");
        facts.service_id.push_str("service");
        facts.api_id.push_str("api");
        facts.status = 200;
        facts.tries.begin(SocketAddr::from(([127, 0, 0, 1], 80)), Net::Private, Instant::now());
        let place = facts.account.as_ptr();
        spares.give(&mut facts);
        let next = spares.take();
        let texts = [&next.account, &next.service_id, &next.api_id];
        assert!(texts.iter().all(|text| text.is_empty()));
        assert!(next.tries.is_empty());
        assert_eq!(next.status, 0);
        assert_eq!(next.account.as_ptr(), place, "it is the same room");
    }

    #[test]
    fn rooms_have_a_limit() {
        let spares = Spares::default();
        (0..2 * KEPT_MAX).for_each(|_| spares.give(&mut Facts::default()));
        assert_eq!(spares.0.borrow().len(), KEPT_MAX);
    }
}
