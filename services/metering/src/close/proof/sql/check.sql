WITH
    figures AS
    (
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
            FROM tollgate.closings
            WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')
        )
    ),
    frozen AS
    (
        SELECT
            JSONExtractString(share, 'gateway') AS gateway,
            JSONExtractUInt(share, 'epoch') AS epoch,
            toUInt16(JSONExtractUInt(share, 'worker')) AS worker,
            arrayJoin(JSONExtract(share, 'ranges', 'Array(Tuple(UInt64, UInt64))')) AS span,
            span.1 AS first,
            span.2 AS last
        FROM
        (
            SELECT arrayJoin(JSONExtractArrayRaw(cut, 'streams')) AS share
            FROM tollgate.cuts
            WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')
        )
    ),
    buried AS
    (
        SELECT
            JSONExtractString(share, 'gateway') AS gateway,
            JSONExtractUInt(share, 'epoch') AS epoch,
            toUInt16(JSONExtractUInt(share, 'worker')) AS worker,
            arrayJoin(JSONExtract(share, 'dead', 'Array(Tuple(UInt64, UInt64))')) AS span,
            span.1 AS first,
            span.2 AS last
        FROM
        (
            SELECT arrayJoin(JSONExtractArrayRaw(cut, 'streams')) AS share
            FROM tollgate.cuts
            WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')
        )
    ),
    counted AS
    (
        SELECT
            r.gateway AS gateway,
            r.epoch AS epoch,
            r.worker AS worker,
            count() AS stored,
            leftPad(lower(hex(sumWithOverflow(sipHash64(r.req_id, r.time, r.gateway, r.epoch, r.worker, r.seq, r.part, r.account, r.caller, r.service_id, r.api_id, r.env, r.region, r.instance, r.instance_type, r.net, r.rsp_st, r.ups_st, r.req_len, r.rsp_len, r.ups_req_len, r.ups_rsp_len, r.ups_net, r.plan_id, r.order_id, r.goods_id, r.billable, r.reason, r.rule)))), 16, '0') AS hash
        FROM tollgate.records AS r
        ASOF INNER JOIN frozen AS f
            ON r.gateway = f.gateway
           AND r.epoch = f.epoch
           AND r.worker = f.worker
           AND r.seq >= f.first
        WHERE (r.time >= toDateTime64('2026-11-20 13:00:00', 3, 'UTC') AND r.time < toDateTime64('2026-11-20 14:00:00', 3, 'UTC'))
          AND r.seq <= f.last
        GROUP BY gateway, epoch, worker
    ),
    letters AS
    (
        SELECT
            r.gateway AS gateway,
            r.epoch AS epoch,
            r.worker AS worker,
            uniqExact(r.seq) AS dead
        FROM
        (
            SELECT gateway, epoch, worker, assumeNotNull(seq) AS seq
            FROM tollgate.dead_letters
            WHERE seq IS NOT NULL
        ) AS r
        ASOF INNER JOIN buried AS f
            ON r.gateway = f.gateway
           AND r.epoch = f.epoch
           AND r.worker = f.worker
           AND r.seq >= f.first
        WHERE r.seq <= f.last
        GROUP BY gateway, epoch, worker
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
    if(c.stored = 0, '0000000000000000', c.hash) AS hash,
    c.stored = p.stored
        AND l.dead = p.dead
        AND if(c.stored = 0, '0000000000000000', c.hash) = p.hash
        AND p.cut_hash = (SELECT lower(hex(SHA256(any(cut)))) FROM tollgate.cuts WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')) AS ok
FROM figures AS p
LEFT JOIN counted AS c
    ON p.gateway = c.gateway AND p.epoch = c.epoch AND p.worker = c.worker
LEFT JOIN letters AS l
    ON p.gateway = l.gateway AND p.epoch = l.epoch AND p.worker = l.worker
ORDER BY gateway, epoch, worker
