//! The statements behind a proof.

use record::Hour;

use super::{COLUMNS, NO_ROWS};
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

/// The statement that checks a proof: one row per stream.
pub(super) fn check_sql(hour: Hour, hours: &[Hour], database: &str) -> String {
    let at = frozen::literal(hour);
    let cuts = format!("{database}.cuts");
    format!(
        "\
WITH
    figures AS
    (
        {figures}
    ),
    frozen AS
    (
        {spans}
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
    )
SELECT
    p.gateway AS gateway,
    p.epoch AS epoch,
    p.worker AS worker,
    p.first AS first,
    p.last AS last,
    c.stored AS stored,
    l.dead AS dead,
    toInt64(p.last - p.first + 1) - toInt64(c.stored) - toInt64(l.dead) AS missing,
    if(c.stored = 0, '{NO_ROWS}', c.hash) AS hash,
    c.stored = p.stored
        AND l.dead = p.dead
        AND if(c.stored = 0, '{NO_ROWS}', c.hash) = p.hash
        AND p.cut_hash = (SELECT lower(hex(SHA256(any(cut)))) FROM {cuts} WHERE hour = {at}) AS ok
FROM figures AS p
LEFT JOIN counted AS c
    ON p.gateway = c.gateway AND p.epoch = c.epoch AND p.worker = c.worker
LEFT JOIN letters AS l
    ON p.gateway = l.gateway AND p.epoch = l.epoch AND p.worker = l.worker
ORDER BY gateway, epoch, worker",
        figures = figures(database, &at),
        spans = frozen::own(&cuts, &at, "ranges"),
        buried = frozen::own(&cuts, &at, "dead"),
        counted = counted(database, hours),
        letters = letters(&format!("{database}.dead_letters"), "        "),
    )
}

/// What the proof says, one row per stream.
fn figures(database: &str, at: &str) -> String {
    format!(
        "\
SELECT
            JSONExtractString(entry, 'gateway') AS gateway,
            JSONExtractUInt(entry, 'epoch') AS epoch,
            toUInt16(JSONExtractUInt(entry, 'worker')) AS worker,
            JSONExtractUInt(entry, 'first') AS first,
            JSONExtractUInt(entry, 'last') AS last,
            JSONExtractUInt(entry, 'stored') AS stored,
            JSONExtractUInt(entry, 'dead') AS dead,
            JSONExtractString(entry, 'hash') AS hash,
            cut_hash
        FROM
        (
            SELECT
                arrayJoin(JSONExtractArrayRaw(proof, 'streams')) AS entry,
                JSONExtractString(proof, 'cut') AS cut_hash
            FROM {database}.closings
            WHERE hour = {at}
        )"
    )
}

/// What the rows say, one row per stream; over the ranges `frozen`.
fn counted(database: &str, hours: &[Hour]) -> String {
    format!(
        "\
SELECT
            r.gateway AS gateway,
            r.epoch AS epoch,
            r.worker AS worker,
            count() AS stored,
            {hash} AS hash
        FROM {database}.records AS r
        {join}
        WHERE {within}
          AND r.seq <= f.last
        GROUP BY gateway, epoch, worker",
        hash = hash(),
        join = frozen::join("frozen", "        "),
        within = frozen::within("r.time", hours),
    )
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
    let columns: Vec<String> = COLUMNS.iter().map(|column| format!("r.{column}")).collect();
    let columns = columns.join(", ");
    format!("leftPad(lower(hex(sumWithOverflow(sipHash64({columns})))), 16, '0')")
}

#[cfg(test)]
mod tests;
