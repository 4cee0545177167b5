//! Tests of the spool as a whole.

mod beside;
mod crash;
mod durable;
mod epochs;
mod folder;
mod format;
mod model_disk;
mod order;
mod room;
mod sigkill;
mod stall;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::Disk;
use crate::open::open_on;
use crate::reader::Frames;
use crate::{Begun, Config, Durability, OpenError, Reader, Room, Spool, WhenFull, Writer};

/// A configuration with small segments.
fn config(workers: u16, durability: Durability) -> Config {
    Config {
        dir: PathBuf::from("/spool"),
        gateway: "gw".to_owned(),
        workers,
        size: u64::from(workers) * (256 << 10),
        segment: 4 << 10,
        record_max: 1 << 10,
        durability,
        when_full: WhenFull::Reject,
    }
}

fn open_model(
    disk: &model_disk::ModelDisk,
    config: &Config,
    now_ms: u64,
) -> Result<Spool, OpenError> {
    open_on(Arc::new(disk.clone()) as Arc<dyn Disk>, config, now_ms)
}

/// Ends the epoch in every stream, and begins another.
fn next_epoch(spool: &mut Spool, now_ms: u64) -> Begun {
    let ends = spool.writers.iter_mut().map(|writer| writer.end().expect("the disk is well"));
    let ended: Vec<_> = ends.collect();
    let mut begun = spool.epochs.begin(now_ms, &ended).expect("the disk is well");
    for (writer, fresh) in spool.writers.iter_mut().zip(begun.fresh.drain(..)) {
        writer.renew(fresh);
    }
    spool.epoch = begun.epoch;
    begun
}

/// Adds one record to the batch.
fn push(writer: &mut Writer, payload: &[u8]) {
    assert!(writer.reserve(), "there is room");
    let encode = |_, _, buffer: &mut Vec<u8>| buffer.extend_from_slice(payload);
    writer.push(0, Room::Reserved, encode).expect("it was reserved");
}

/// Worker, `seq` and payload of all that was read.
fn plain(frames: &Frames) -> Vec<(u16, u64, Vec<u8>)> {
    let plain = |frame| {
        let payload = frames.payload(frame);
        assert_eq!(frame.hash, crate::hash(payload), "the hash is that of the payload");
        (frame.stream.worker, frame.seq, payload.to_vec())
    };
    frames.frames.iter().map(plain).collect()
}

/// Reads until nothing is left.
fn read_all(spool: &mut Spool) -> Vec<(u16, u64, Vec<u8>)> {
    let mut all = Vec::new();
    loop {
        let frames = spool.reader.read(1000).expect("the disk is well");
        if frames.frames.is_empty() {
            return all;
        }
        all.extend(plain(&frames));
    }
}

/// Acknowledges what was read.
fn acknowledge(reader: &mut Reader, frames: &Frames) {
    let last: BTreeMap<_, _> =
        frames.frames.iter().map(|frame| (&frame.stream, frame.seq)).collect();
    for (stream, seq) in last {
        reader.ack(stream, seq).expect("it was read");
    }
}
