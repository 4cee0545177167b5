WITH
    said AS
    (
        SELECT
            toBool(0) AS is_late,
            toDateTime('2026-11-20 13:00:00', 'UTC') AS of,
            JSONExtractString(share, 'gateway') AS gateway,
            JSONExtractUInt(share, 'epoch') AS epoch,
            toUInt16(JSONExtractUInt(share, 'worker')) AS worker,
            JSONExtractUInt(share, 'first') AS first,
            JSONExtractUInt(share, 'last') AS last,
            JSONExtractUInt(share, 'stored') AS stored,
            JSONExtractUInt(share, 'dead') AS dead,
            JSONExtractUInt(share, 'missing') AS missing,
            JSONExtractString(share, 'hash') AS hash,
            (SELECT JSONExtractString(any(proof), 'cut') FROM tollgate.closings WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')) AS cut_hash,
            (SELECT JSONExtractBool(any(proof), 'complete') FROM tollgate.closings WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC'))
                AS complete,
            1 AS there
        FROM
        (
            SELECT arrayJoin(JSONExtractArrayRaw(proof, 'streams')) AS share
            FROM tollgate.closings
            WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')
        )
        UNION ALL
        SELECT
            toBool(1) AS is_late,
            parseDateTimeBestEffort(JSONExtractString(entry, 'hour'), 'UTC') AS of,
            JSONExtractString(share, 'gateway') AS gateway,
            JSONExtractUInt(share, 'epoch') AS epoch,
            toUInt16(JSONExtractUInt(share, 'worker')) AS worker,
            JSONExtractUInt(share, 'first') AS first,
            JSONExtractUInt(share, 'last') AS last,
            JSONExtractUInt(share, 'stored') AS stored,
            JSONExtractUInt(share, 'dead') AS dead,
            JSONExtractUInt(share, 'missing') AS missing,
            JSONExtractString(share, 'hash') AS hash,
            (SELECT JSONExtractString(any(proof), 'cut') FROM tollgate.closings WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')) AS cut_hash,
            (SELECT JSONExtractBool(any(proof), 'complete') FROM tollgate.closings WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC'))
                AS complete,
            1 AS there
        FROM
        (
            SELECT entry, arrayJoin(JSONExtractArrayRaw(entry, 'streams')) AS share
            FROM
            (
                SELECT arrayJoin(JSONExtractArrayRaw(proof, 'late')) AS entry
                FROM tollgate.closings
                WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')
            )
        )
    ),
    cut_shares AS
    (
        SELECT
            toBool(0) AS is_late,
            toDateTime('2026-11-20 13:00:00', 'UTC') AS of,
            JSONExtractString(share, 'gateway') AS gateway,
            JSONExtractUInt(share, 'epoch') AS epoch,
            toUInt16(JSONExtractUInt(share, 'worker')) AS worker,
            JSONExtractUInt(share, 'first') AS first,
            JSONExtractUInt(share, 'last') AS last,
            arraySum(span -> span.2 - span.1 + 1, JSONExtract(share, 'ranges', 'Array(Tuple(UInt64, UInt64))')) AS stored,
            arraySum(span -> span.2 - span.1 + 1, JSONExtract(share, 'dead', 'Array(Tuple(UInt64, UInt64))')) AS dead,
            (SELECT JSONExtractBool(any(cut), 'settled') FROM tollgate.cuts WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')) AS settled,
            1 AS there
        FROM
        (
            SELECT arrayJoin(JSONExtractArrayRaw(cut, 'streams')) AS share
            FROM tollgate.cuts
            WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')
        )
        UNION ALL
        SELECT
            toBool(1) AS is_late,
            parseDateTimeBestEffort(JSONExtractString(entry, 'hour'), 'UTC') AS of,
            JSONExtractString(share, 'gateway') AS gateway,
            JSONExtractUInt(share, 'epoch') AS epoch,
            toUInt16(JSONExtractUInt(share, 'worker')) AS worker,
            JSONExtract(share, 'ranges', 'Array(Tuple(UInt64, UInt64))')[1].1 AS first,
            JSONExtract(share, 'ranges', 'Array(Tuple(UInt64, UInt64))')[-1].2 AS last,
            arraySum(span -> span.2 - span.1 + 1, JSONExtract(share, 'ranges', 'Array(Tuple(UInt64, UInt64))')) AS stored,
            toUInt64(0) AS dead,
            toBool(1) AS settled,
            1 AS there
        FROM
        (
            SELECT entry, arrayJoin(JSONExtractArrayRaw(entry, 'streams')) AS share
            FROM
            (
                SELECT arrayJoin(JSONExtractArrayRaw(cut, 'late')) AS entry
                FROM tollgate.cuts
                WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')
            )
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
    late AS
    (
        SELECT
            parseDateTimeBestEffort(JSONExtractString(entry, 'hour'), 'UTC') AS of,
            JSONExtractString(share, 'gateway') AS gateway,
            JSONExtractUInt(share, 'epoch') AS epoch,
            toUInt16(JSONExtractUInt(share, 'worker')) AS worker,
            arrayJoin(JSONExtract(share, 'ranges', 'Array(Tuple(UInt64, UInt64))')) AS span,
            span.1 AS first,
            span.2 AS last
        FROM
        (
            SELECT entry, arrayJoin(JSONExtractArrayRaw(entry, 'streams')) AS share
            FROM
            (
                SELECT arrayJoin(JSONExtractArrayRaw(cut, 'late')) AS entry
                FROM tollgate.cuts
                WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')
            )
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
            toBool(0) AS is_late,
            toDateTime('2026-11-20 13:00:00', 'UTC') AS of,
            r.gateway AS gateway,
            r.epoch AS epoch,
            r.worker AS worker,
            count() AS stored,
            leftPad(lower(hex(sumWithOverflow(cityHash64(r.req_id, r.time, r.gateway, r.epoch, r.worker, r.seq, r.part, r.account, r.caller, r.service_id, r.api_id, r.env, r.region, r.instance, r.instance_type, r.net, r.rsp_st, r.ups_st, r.req_len, r.rsp_len, r.ups_req_len, r.ups_rsp_len, r.ups_net, r.plan_id, r.order_id, r.goods_id, r.billable, r.reason, r.rule)))), 16, '0') AS hash
        FROM tollgate.records AS r
        ASOF INNER JOIN frozen AS f
            ON r.gateway = f.gateway
           AND r.epoch = f.epoch
           AND r.worker = f.worker
           AND r.seq >= f.first
        WHERE (r.time >= toDateTime64('2026-11-20 13:00:00', 3, 'UTC') AND r.time < toDateTime64('2026-11-20 14:00:00', 3, 'UTC'))
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
            leftPad(lower(hex(sumWithOverflow(cityHash64(r.req_id, r.time, r.gateway, r.epoch, r.worker, r.seq, r.part, r.account, r.caller, r.service_id, r.api_id, r.env, r.region, r.instance, r.instance_type, r.net, r.rsp_st, r.ups_st, r.req_len, r.rsp_len, r.ups_req_len, r.ups_rsp_len, r.ups_net, r.plan_id, r.order_id, r.goods_id, r.billable, r.reason, r.rule)))), 16, '0') AS hash
        FROM tollgate.records AS r
        ASOF INNER JOIN late AS f
            ON r.hour = f.of AND r.gateway = f.gateway
           AND r.epoch = f.epoch
           AND r.worker = f.worker
           AND r.seq >= f.first
        WHERE (r.time >= toDateTime64('2026-11-20 13:00:00', 3, 'UTC') AND r.time < toDateTime64('2026-11-20 14:00:00', 3, 'UTC'))
          AND r.seq <= f.last
        GROUP BY of, gateway, epoch, worker
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
    if(c.stored = 0, '0000000000000000', c.hash) AS hash,
    s.there = 1
        AND p.there = 1
        AND (p.first, p.last, p.stored, p.dead) = (s.first, s.last, s.stored, s.dead)
        AND p.missing + s.stored + s.dead = if(k.is_late, s.stored, s.last - s.first + 1)
        AND (c.stored, dead) = (s.stored, s.dead)
        AND if(c.stored = 0, '0000000000000000', c.hash) = p.hash
        AND (NOT p.complete OR (s.settled AND p.missing = 0 AND p.dead = 0))
        AND p.cut_hash = (SELECT lower(hex(SHA256(any(cut)))) FROM tollgate.cuts WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC'))
        AND (SELECT count() FROM tollgate.cuts WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')) = 1
        AND (SELECT count() FROM tollgate.closings WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')) = 1 AS ok
FROM keys AS k
LEFT JOIN said AS p
    ON k.is_late = p.is_late AND k.of = p.of AND k.gateway = p.gateway AND k.epoch = p.epoch AND k.worker = p.worker
LEFT JOIN cut_shares AS s
    ON k.is_late = s.is_late AND k.of = s.of AND k.gateway = s.gateway AND k.epoch = s.epoch AND k.worker = s.worker
LEFT JOIN counted AS c
    ON k.is_late = c.is_late AND k.of = c.of AND k.gateway = c.gateway AND k.epoch = c.epoch AND k.worker = c.worker
LEFT JOIN letters AS l
    ON k.gateway = l.gateway AND k.epoch = l.epoch AND k.worker = l.worker
ORDER BY late, hour, gateway, epoch, worker
SETTINGS optimize_use_projections = 0
