//! The statements behind a proof.

use record::Hour;

use super::{COLUMNS, FUNCTION, NO_ROWS};
use crate::close::frozen;

/// Stored rows and their hash per stream, and the totals of the hour.
pub(super) fn measure_sql(hour: Hour, hours: &[Hour]) -> String {
    let at = frozen::literal(hour);
    format!(
        "\
WITH
    frozen AS
    (
        {spans}
    )
SELECT
    r.gateway AS gateway,
    r.epoch AS epoch,
    r.worker AS worker,
    count() AS stored,
    {hash} AS hash,
    countIf(r.hour = {at}
        AND r.billable AND r.part = 'final' AND r.instance_type = 'shared') AS calls,
    toString(sumIf(toUInt128(r.rsp_len), r.hour = {at} AND r.net = 'public')
        + sumIf(toUInt128(r.ups_req_len), r.hour = {at} AND r.ups_net = 'public')) AS bytes,
    sum(JSONExtractUInt(r.life, 'refused')) AS refused,
    sum(JSONExtractUInt(r.life, 'unrecorded')) AS unrecorded
FROM records AS r
{join}
WHERE {within}
  AND r.seq <= f.last
GROUP BY gateway, epoch, worker",
        spans = frozen::own("cuts", &at, "ranges"),
        hash = hash(),
        join = frozen::join("frozen", ""),
        within = frozen::within("r.time", hours),
    )
}

/// The same of all that is stored of the hour, with the least and greatest number of each stream. Its
/// expressions are those of `schemas/clickhouse/0014_records_by_stream.sql`.
pub(super) fn measure_whole_sql(hour: Hour) -> String {
    format!(
        "\
SELECT
    gateway,
    epoch,
    worker,
    min(seq) AS lowest,
    max(seq) AS highest,
    count() AS stored,
    {hash} AS hash,
    countIf(billable AND part = 'final' AND instance_type = 'shared') AS calls,
    toString(sumIf(toUInt128(rsp_len), net = 'public')
        + sumIf(toUInt128(ups_req_len), ups_net = 'public')) AS bytes,
    sum(JSONExtractUInt(life, 'refused')) AS refused,
    sum(JSONExtractUInt(life, 'unrecorded')) AS unrecorded
FROM records
WHERE {among}
GROUP BY gateway, epoch, worker",
        hash = hash_of(""),
        among = frozen::among(&[hour]),
    )
}

/// Dead letters per stream, each number once.
pub(super) fn dead_sql(hour: Hour) -> String {
    format!(
        "\
WITH
    buried AS
    (
        {spans}
    )
{select}",
        spans = frozen::own("cuts", &frozen::literal(hour), "dead"),
        select = letters("dead_letters", ""),
    )
}

/// Late rows and their hash per hour and stream, and their totals. Requests refused stand in the
/// figures of the shares.
pub(super) fn measure_late_sql(hour: Hour, hours: &[Hour]) -> String {
    let at = frozen::literal(hour);
    format!(
        "\
WITH
    late AS
    (
        {spans}
    )
SELECT
    toUnixTimestamp(r.hour) AS hour_s,
    r.gateway AS gateway,
    r.epoch AS epoch,
    r.worker AS worker,
    count() AS stored,
    {hash} AS hash,
    countIf(r.billable AND r.part = 'final' AND r.instance_type = 'shared') AS calls,
    toString(sumIf(toUInt128(r.rsp_len), r.net = 'public')
        + sumIf(toUInt128(r.ups_req_len), r.ups_net = 'public')) AS bytes,
    0 AS refused,
    0 AS unrecorded
FROM records AS r
{join}
WHERE {within}
  AND r.seq <= f.last
GROUP BY hour_s, gateway, epoch, worker",
        spans = frozen::all_late("cuts", &at),
        hash = hash(),
        join = join_late(""),
        within = frozen::within("r.time", hours),
    )
}

/// The statement that checks a proof: one row per stream, and one per hour and stream of what came
/// late. It holds the closing against the cut, and both against the rows.
pub(super) fn check_sql(hour: Hour, hours: &[Hour], database: &str) -> String {
    let at = frozen::literal(hour);
    let cuts = format!("{database}.cuts");
    let closings = format!("{database}.closings");
    format!(
        "\
WITH
    said AS
    (
        {said}
    ),
    cut_shares AS
    (
        {cut_shares}
    ),
    frozen AS
    (
        {spans}
    ),
    late AS
    (
        {late}
    ),
    buried AS
    (
        {buried}
    ),
    counted AS
    (
        {counted}
    ),
    letters AS
    (
        {letters}
    ),
    keys AS
    (
        SELECT is_late, of, gateway, epoch, worker FROM said
        UNION DISTINCT
        SELECT is_late, of, gateway, epoch, worker FROM cut_shares
    )
SELECT
    k.of AS hour,
    k.is_late AS late,
    k.gateway AS gateway,
    k.epoch AS epoch,
    k.worker AS worker,
    s.first AS first,
    s.last AS last,
    c.stored AS stored,
    if(k.is_late, 0, l.dead) AS dead,
    if(k.is_late, 0, toInt64(s.last - s.first + 1) - toInt64(c.stored) - toInt64(dead)) AS missing,
    if(c.stored = 0, '{NO_ROWS}', c.hash) AS hash,
    {verdict} AS ok
{joins}
ORDER BY late, hour, gateway, epoch, worker
SETTINGS optimize_use_projections = 0",
        said = said(&closings, &at),
        cut_shares = cut_shares(&cuts, &at),
        spans = frozen::own(&cuts, &at, "ranges"),
        late = frozen::all_late(&cuts, &at),
        buried = frozen::own(&cuts, &at, "dead"),
        counted = counted(database, &at, hours),
        letters = letters(&format!("{database}.dead_letters"), "        "),
        verdict = verdict(&cuts, &closings, &at),
        joins = joins(),
    )
}

/// Whether closing, cut and rows agree about one stream.
fn verdict(cuts: &str, closings: &str, at: &str) -> String {
    format!(
        "\
s.there = 1
        AND p.there = 1
        AND (p.first, p.last, p.stored, p.dead) = (s.first, s.last, s.stored, s.dead)
        AND p.missing + s.stored + s.dead = if(k.is_late, s.stored, s.last - s.first + 1)
        AND (c.stored, dead) = (s.stored, s.dead)
        AND if(c.stored = 0, '{NO_ROWS}', c.hash) = p.hash
        AND (NOT p.complete OR (s.settled AND p.missing = 0 AND p.dead = 0))
        AND p.cut_hash = (SELECT lower(hex(SHA256(any(cut)))) FROM {cuts} WHERE hour = {at})
        AND (SELECT count() FROM {cuts} WHERE hour = {at}) = 1
        AND (SELECT count() FROM {closings} WHERE hour = {at}) = 1"
    )
}

/// What is said, cut and counted of each key.
fn joins() -> String {
    let same = |alias: &str| {
        let columns = ["is_late", "of", "gateway", "epoch", "worker"];
        columns.map(|column| format!("k.{column} = {alias}.{column}")).join(" AND ")
    };
    format!(
        "\
FROM keys AS k
LEFT JOIN said AS p
    ON {}
LEFT JOIN cut_shares AS s
    ON {}
LEFT JOIN counted AS c
    ON {}
LEFT JOIN letters AS l
    ON k.gateway = l.gateway AND k.epoch = l.epoch AND k.worker = l.worker",
        same("p"),
        same("s"),
        same("c"),
    )
}

const STREAM: &str = "            JSONExtractString(share, 'gateway') AS gateway,
            JSONExtractUInt(share, 'epoch') AS epoch,
            toUInt16(JSONExtractUInt(share, 'worker')) AS worker,";

/// What the proof says: its shares, and what came late.
fn said(closings: &str, at: &str) -> String {
    let figures = "            JSONExtractUInt(share, 'first') AS first,
            JSONExtractUInt(share, 'last') AS last,
            JSONExtractUInt(share, 'stored') AS stored,
            JSONExtractUInt(share, 'dead') AS dead,
            JSONExtractUInt(share, 'missing') AS missing,
            JSONExtractString(share, 'hash') AS hash,
            (SELECT JSONExtractString(any(proof), 'cut') FROM {closings} WHERE hour = {at}) AS cut_hash,
            (SELECT JSONExtractBool(any(proof), 'complete') FROM {closings} WHERE hour = {at})
                AS complete,
            1 AS there"
        .replace("{closings}", closings)
        .replace("{at}", at);
    format!(
        "\
SELECT
            toBool(0) AS is_late,
            {at} AS of,
{STREAM}
{figures}
        FROM
        (
            SELECT arrayJoin(JSONExtractArrayRaw(proof, 'streams')) AS share
            FROM {closings}
            WHERE hour = {at}
        )
        UNION ALL
        SELECT
            toBool(1) AS is_late,
            {late_hour} AS of,
{STREAM}
{figures}
        FROM
        (
            {late}
        )",
        late_hour = frozen::LATE_HOUR,
        late = frozen::late_shares("proof", closings, at),
    )
}

/// What the cut says: its shares, and what it froze as late.
fn cut_shares(cuts: &str, at: &str) -> String {
    let spans = |key: &str| {
        let spans = format!("JSONExtract(share, '{key}', 'Array(Tuple(UInt64, UInt64))')");
        (format!("arraySum(span -> span.2 - span.1 + 1, {spans})"), spans)
    };
    let ((stored, ranges), (dead, _)) = (spans("ranges"), spans("dead"));
    format!(
        "\
SELECT
            toBool(0) AS is_late,
            {at} AS of,
{STREAM}
            JSONExtractUInt(share, 'first') AS first,
            JSONExtractUInt(share, 'last') AS last,
            {stored} AS stored,
            {dead} AS dead,
            (SELECT JSONExtractBool(any(cut), 'settled') FROM {cuts} WHERE hour = {at}) AS settled,
            1 AS there
        FROM
        (
            SELECT arrayJoin(JSONExtractArrayRaw(cut, 'streams')) AS share
            FROM {cuts}
            WHERE hour = {at}
        )
        UNION ALL
        SELECT
            toBool(1) AS is_late,
            {late_hour} AS of,
{STREAM}
            {ranges}[1].1 AS first,
            {ranges}[-1].2 AS last,
            {stored} AS stored,
            toUInt64(0) AS dead,
            toBool(1) AS settled,
            1 AS there
        FROM
        (
            {late}
        )",
        late_hour = frozen::LATE_HOUR,
        late = frozen::late_shares("cut", cuts, at),
    )
}

/// What the rows say: over the ranges `frozen`, and over those that are `late`.
fn counted(database: &str, at: &str, hours: &[Hour]) -> String {
    let (hash, within) = (hash(), frozen::within("r.time", hours));
    format!(
        "\
SELECT
            toBool(0) AS is_late,
            {at} AS of,
            r.gateway AS gateway,
            r.epoch AS epoch,
            r.worker AS worker,
            count() AS stored,
            {hash} AS hash
        FROM {database}.records AS r
        {join}
        WHERE {within}
          AND r.seq <= f.last
        GROUP BY gateway, epoch, worker
        UNION ALL
        SELECT
            toBool(1) AS is_late,
            r.hour AS of,
            r.gateway AS gateway,
            r.epoch AS epoch,
            r.worker AS worker,
            count() AS stored,
            {hash} AS hash
        FROM {database}.records AS r
        {join_late}
        WHERE {within}
          AND r.seq <= f.last
        GROUP BY of, gateway, epoch, worker",
        join = frozen::join("frozen", "        "),
        join_late = join_late("        "),
    )
}

/// Joins rows with the `late` ranges of their hour.
fn join_late(margin: &str) -> String {
    frozen::join("late", margin).replacen("ON ", "ON r.hour = f.of AND ", 1)
}

/// What the dead letters say, one row per stream; over the ranges `buried`.
fn letters(table: &str, margin: &str) -> String {
    let lines = [
        "SELECT",
        "    r.gateway AS gateway,",
        "    r.epoch AS epoch,",
        "    r.worker AS worker,",
        "    uniqExact(r.seq) AS dead",
        "FROM",
        "(",
        "    SELECT gateway, epoch, worker, assumeNotNull(seq) AS seq",
        &format!("    FROM {table}"),
        "    WHERE seq IS NOT NULL",
        ") AS r",
        &frozen::join("buried", margin),
        "WHERE r.seq <= f.last",
        "GROUP BY gateway, epoch, worker",
    ];
    lines.join(&format!("\n{margin}"))
}

fn hash() -> String {
    hash_of("r.")
}

/// As 16 hex digits; `table` with its dot.
fn hash_of(table: &str) -> String {
    let columns = COLUMNS.map(|column| format!("{table}{column}")).join(", ");
    format!("leftPad(lower(hex(sumWithOverflow({FUNCTION}({columns})))), 16, '0')")
}

#[cfg(test)]
mod tests;
