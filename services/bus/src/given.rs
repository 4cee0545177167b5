//! What the spool source gave and what of it is acknowledged: positions back to streams.

use std::collections::VecDeque;
use std::sync::Arc;

use record::Stream;

/// Neighbouring positions that are neighbours in their stream too.
#[derive(Debug)]
struct Run {
    /// Its first position.
    position: u64,
    /// The `seq` there.
    seq: u64,
    count: u64,
    stream: Arc<Stream>,
}

/// All that was given since the start; positions count from 0 and are never used twice.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// Not acknowledged, in the order of positions.
    runs: VecDeque<Run>,
    /// Positions below are acknowledged.
    acked: u64,
    next: u64,
}

/// The position is not one that may be acknowledged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotGiven;

impl Given {
    /// Gives the next position to a record.
    pub(crate) fn add(&mut self, stream: &Arc<Stream>, seq: u64) -> u64 {
        let position = self.next;
        self.next += 1;
        match self.runs.back_mut() {
            Some(run)
                if Arc::ptr_eq(&run.stream, stream)
                    && run.seq + run.count == seq
                    && run.position + run.count == position =>
            {
                run.count += 1;
            }
            _ => {
                let stream = Arc::clone(stream);
                self.runs.push_back(Run { position, seq, count: 1, stream });
            }
        }
        position
    }

    /// The last `seq` of each stream up to and including a position.
    pub(crate) fn upto(&self, position: u64) -> Result<Vec<(Arc<Stream>, u64)>, NotGiven> {
        if position < self.acked {
            return Ok(Vec::new());
        }
        let first = self.runs.front().ok_or(NotGiven)?.position;
        if position < first || position >= self.next {
            return Err(NotGiven);
        }
        let mut last: Vec<(Arc<Stream>, u64)> = Vec::new();
        for run in self.runs.iter().take_while(|run| run.position <= position) {
            let count = run.count.min(position - run.position + 1);
            let seq = run.seq + count - 1;
            match last.iter_mut().find(|(stream, _)| *stream == run.stream) {
                Some((_, known)) => *known = seq,
                None => last.push((Arc::clone(&run.stream), seq)),
            }
        }
        Ok(last)
    }

    /// Forgets positions up to and including this one.
    pub(crate) fn acknowledge(&mut self, position: u64) {
        self.acked = self.acked.max(position + 1);
        while let Some(run) = self.runs.front_mut()
            && run.position <= position
        {
            let count = run.count.min(position - run.position + 1);
            run.position += count;
            run.seq += count;
            run.count -= count;
            if run.count > 0 {
                break;
            }
            self.runs.pop_front();
        }
    }

    /// Makes all positions void that are not acknowledged.
    pub(crate) fn rewind(&mut self) {
        self.runs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(worker: u16) -> Arc<Stream> {
        Arc::new(Stream { gateway: "gw".to_owned(), epoch: 1, worker })
    }

    #[test]
    fn a_position_stands_for_the_last_seq_of_each_stream() {
        let (a, b, mut given) = (stream(0), stream(1), Given::default());
        for (stream, seq) in [(&a, 5), (&a, 6), (&b, 0), (&a, 7), (&a, 9)] {
            given.add(stream, seq);
        }
        assert_eq!(given.upto(0), Ok(vec![(a.clone(), 5)]));
        assert_eq!(given.upto(3), Ok(vec![(a.clone(), 7), (b.clone(), 0)]));
        given.acknowledge(0);
        assert_eq!(given.upto(0), Ok(vec![]), "again does nothing");
        assert_eq!(given.upto(1), Ok(vec![(a.clone(), 6)]));
        assert_eq!(given.upto(4), Ok(vec![(a.clone(), 9), (b.clone(), 0)]), "over a gap");
        assert_eq!(given.upto(5), Err(NotGiven));
    }

    #[test]
    fn a_rewind_makes_positions_void() {
        let (a, mut given) = (stream(0), Given::default());
        (0..4).for_each(|seq| assert_eq!(given.add(&a, seq), seq));
        given.acknowledge(1);
        given.rewind();
        assert_eq!(given.upto(2), Err(NotGiven));
        assert_eq!(given.add(&a, 2), 4);
        assert_eq!(given.upto(3), Err(NotGiven));
        assert_eq!(given.upto(4), Ok(vec![(a, 2)]));
        assert_eq!(given.upto(1), Ok(vec![]));
    }
}
