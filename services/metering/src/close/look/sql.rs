//! The questions of a look, as SQL.
//!
//! Bounds on `time` are bounds on the table's key; `hour` is the same time, cut to the hour. What
//! asks by `toStartOfHour(time)` is answered from the sums that stand with the rows (`by_stream`).

/// The first and last rows of each stream after the hour.
pub(super) const BEYOND: &str = "\
SELECT
    gateway,
    epoch,
    worker,
    min(lowest) AS first,
    max(highest) AS last,
    toUnixTimestamp(min(at)) AS hour_s
FROM
(
    SELECT
        gateway,
        epoch,
        worker,
        toStartOfHour(time) AS at,
        min(seq) AS lowest,
        max(seq) AS highest
    FROM records
    WHERE toStartOfHour(time) >= toDateTime({end:Int64}, 'UTC')
    GROUP BY gateway, epoch, worker, at
)
GROUP BY gateway, epoch, worker";

/// The records that say how lives begin and end, of this hour on, and late ones. Two pieces, since
/// each has an index, and both together have none.
pub(super) const LIVES: &str = "\
SELECT
    gateway,
    epoch,
    worker,
    seq,
    toUnixTimestamp(hour) AS hour_s,
    part = 'end' AS ends,
    life
FROM
(
    SELECT gateway, epoch, worker, seq, hour, part, life
    FROM records
    WHERE part IN ('start', 'end')
      AND time >= fromUnixTimestamp64Milli({start:Int64}, 'UTC')
    UNION ALL
    SELECT gateway, epoch, worker, seq, hour, part, life
    FROM records
    WHERE part IN ('start', 'end')
      AND time < fromUnixTimestamp64Milli({start:Int64}, 'UTC')
      AND stored_at >= fromUnixTimestamp64Milli({floor:Int64}, 'UTC')
)
ORDER BY gateway, epoch, worker, seq";

/// The earliest hour of which rows may be late.
pub(super) const LATE_FROM: &str = "\
SELECT
    count() AS rows,
    toUnixTimestamp(min(hour)) AS hour_s
FROM records
WHERE time < fromUnixTimestamp64Milli({start:Int64}, 'UTC')
  AND stored_at >= fromUnixTimestamp64Milli({floor:Int64}, 'UTC')";

/// Rows of closed hours that stand in no cut, as ranges. A row is matched with the last frozen
/// range of its hour and stream that begins at or before it, and is late when it lies behind that.
pub(super) const LATE: &str = "\
WITH
    shares AS
    (
        SELECT
            hour AS of_hour,
            arrayJoin(JSONExtractArrayRaw(cut, 'streams')) AS share
        FROM cuts
        WHERE hour >= toDateTime({from:Int64}, 'UTC')
        UNION ALL
        SELECT
            parseDateTimeBestEffort(JSONExtractString(entry, 'hour'), 'UTC') AS of_hour,
            arrayJoin(JSONExtractArrayRaw(entry, 'streams')) AS share
        FROM
        (
            SELECT arrayJoin(JSONExtractArrayRaw(cut, 'late')) AS entry
            FROM cuts
            WHERE hour >= toDateTime({from:Int64}, 'UTC')
        )
    ),
    frozen AS
    (
        SELECT
            of_hour,
            JSONExtractString(share, 'gateway') AS gateway,
            JSONExtractUInt(share, 'epoch') AS epoch,
            toUInt16(JSONExtractUInt(share, 'worker')) AS worker,
            arrayJoin(JSONExtract(share, 'ranges', 'Array(Tuple(UInt64, UInt64))')) AS span,
            span.1 AS first,
            span.2 AS last,
            1 AS is_cut
        FROM shares
    ),
    late AS
    (
        SELECT
            r.hour AS hour,
            r.gateway AS gateway,
            r.epoch AS epoch,
            r.worker AS worker,
            r.seq AS seq
        FROM records AS r
        ASOF LEFT JOIN frozen AS f
            ON r.hour = f.of_hour
           AND r.gateway = f.gateway
           AND r.epoch = f.epoch
           AND r.worker = f.worker
           AND r.seq >= f.first
        WHERE r.time < fromUnixTimestamp64Milli({start:Int64}, 'UTC')
          AND r.stored_at >= fromUnixTimestamp64Milli({floor:Int64}, 'UTC')
          AND (f.is_cut = 0 OR r.seq > f.last)
    )
SELECT
    toUnixTimestamp(hour) AS hour_s,
    gateway,
    epoch,
    worker,
    island.1 AS first,
    island.2 AS last
FROM
(
    SELECT
        hour,
        gateway,
        epoch,
        worker,
        arraySort(bitmapToArray(groupBitmapState(seq))) AS numbers,
        arrayDifference(numbers) AS steps,
        arrayFilter((n, step) -> step != 1, numbers, steps) AS firsts,
        arrayFilter((n, step) -> step != 1, numbers, arrayPushBack(arrayPopFront(steps), 0)) AS lasts,
        arrayJoin(arrayZip(firsts, lasts)) AS island
    FROM late
    GROUP BY hour, gateway, epoch, worker, intDiv(seq, 65536)
)
ORDER BY hour_s, gateway, epoch, worker, first";

/// The last numbers of streams in earlier cuts.
pub(super) const CUT_BEFORE: &str = "\
SELECT
    JSONExtractString(share, 'gateway') AS gateway,
    JSONExtractUInt(share, 'epoch') AS epoch,
    toUInt16(JSONExtractUInt(share, 'worker')) AS worker,
    max(JSONExtractUInt(share, 'last')) AS last
FROM
(
    SELECT arrayJoin(JSONExtractArrayRaw(cut, 'streams')) AS share
    FROM cuts
)
WHERE has({streams:Array(String)}, concat(gateway, '/', toString(epoch), '/', toString(worker)))
GROUP BY gateway, epoch, worker";

/// When the latest row of each stream of a file was stored.
pub(super) const FILES: &str = "\
SELECT
    gateway,
    epoch,
    worker,
    toUnixTimestamp64Milli(max(stored_at)) AS stored_ms
FROM records
WHERE startsWith(gateway, 'ingest:')
GROUP BY gateway, epoch, worker";

/// The hour of the earliest record. Each part knows its least time.
pub(super) const FIRST_HOUR: &str = "\
SELECT
    count() AS rows,
    toUnixTimestamp(toStartOfHour(min(time))) AS hour_s
FROM records";
