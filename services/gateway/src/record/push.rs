//! One record each: from what is to be told to the bytes in the spool's writer.

use std::time::Instant;

use record::{Life, Part, PreviousLife, Time};
use spool::{PushError, Room, Writer};

use super::fill;
use crate::config::Config;
use crate::exchange::{Exchange, SpoolRoom};
use crate::metrics::Count;
use crate::worker::Worker;

/// A request that was never received is recorded all the same, if there is room.
pub(super) fn admit(worker: &Worker, exchange: &Exchange) {
    if exchange.room.get() == SpoolRoom::None {
        let reserved = worker.writer.borrow_mut().reserve();
        exchange.room.set(if reserved { SpoolRoom::Reserved } else { SpoolRoom::Refused });
    }
}

/// The record of an exchange that is over; or what stands for it when there is no room.
pub(super) fn final_part(
    worker: &Worker,
    exchange: &Exchange,
    time: Time,
    now: Instant,
) -> Result<(), PushError> {
    admit(worker, exchange);
    match exchange.room.get() {
        SpoolRoom::None | SpoolRoom::Reserved => {
            push_exchange(worker, exchange, Part::Final, time, now)
        }
        SpoolRoom::Refused => {
            refuse(worker);
            Ok(())
        }
        SpoolRoom::Unrecorded => {
            lose(worker);
            Ok(())
        }
    }
}

/// What an exchange has come to so far, if there is room.
pub(super) fn interim(
    worker: &Worker,
    exchange: &Exchange,
    time: Time,
    now: Instant,
) -> Result<(), PushError> {
    let open = exchange.room.get() == SpoolRoom::Reserved && !exchange.is_closed();
    if !open || !worker.writer.borrow_mut().reserve() {
        // Its bytes stand in the next one, or in the final record.
        return Ok(());
    }
    push_exchange(worker, exchange, Part::Interim, time, now)?;
    fill::told(exchange, now);
    Ok(())
}

/// A part with a life, which tells what was refused and unrecorded since the last.
pub(super) fn counted(
    worker: &Worker,
    part: Part,
    previous: Option<PreviousLife>,
    retires: bool,
    time: Time,
) -> Result<(), PushError> {
    let told = Life {
        workers: worker.workers,
        previous,
        refused: worker.refused.get(),
        unrecorded: worker.unrecorded.get(),
        retires,
    };
    life(&mut worker.writer.borrow_mut(), &worker.config, part, told, time)?;
    worker.counters.add(Count::Records);
    worker.refused.set(0);
    worker.unrecorded.set(0);
    Ok(())
}

/// A part that is not about a request.
///
/// # Errors
/// There is no room, see [`PushError`].
pub(crate) fn life(
    writer: &mut Writer,
    config: &Config,
    part: Part,
    life: Life,
    time: Time,
) -> Result<(), PushError> {
    let room = if part == Part::Heartbeat { Room::Beat } else { Room::Headroom };
    let (epoch, number) = (writer.stream().epoch, writer.stream().worker);
    writer.push(time.0, room, |seq, time, out| {
        let mut record = fill::life(config, part, life);
        (record.epoch, record.worker, record.seq, record.time) = (epoch, number, seq, time);
        record::encode(&record, out);
    })
}

/// A request is answered without a service, since there is no room: counted.
pub(super) fn refuse(worker: &Worker) {
    worker.refused.set(worker.refused.get() + 1);
    worker.counters.add(Count::SpoolRefused);
}

/// A request without a record: the loss uses up a `seq`.
pub(super) fn lose(worker: &Worker) {
    worker.unrecorded.set(worker.unrecorded.get() + 1);
    worker.counters.add(Count::Unrecorded);
    worker.writer.borrow_mut().skip();
}

fn push_exchange(
    worker: &Worker,
    exchange: &Exchange,
    part: Part,
    time: Time,
    now: Instant,
) -> Result<(), PushError> {
    let mut writer = worker.writer.borrow_mut();
    let (epoch, number) = (writer.stream().epoch, writer.stream().worker);
    writer.push(time.0, Room::Reserved, |seq, time, out| {
        fill::exchange(worker, exchange, part, now, |record| {
            (record.epoch, record.worker, record.seq, record.time) = (epoch, number, seq, time);
            record.cap(worker.config.record.max as usize);
            record::encode(record, out);
        });
    })?;
    worker.counters.add(Count::Records);
    Ok(())
}
