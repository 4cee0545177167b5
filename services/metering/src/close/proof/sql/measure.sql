WITH
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
            FROM cuts
            WHERE hour = toDateTime('2026-11-20 13:00:00', 'UTC')
        )
    )
SELECT
    r.gateway AS gateway,
    r.epoch AS epoch,
    r.worker AS worker,
    count() AS stored,
    leftPad(lower(hex(sumWithOverflow(cityHash64(r.req_id, r.time, r.gateway, r.epoch, r.worker, r.seq, r.part, r.account, r.caller, r.service_id, r.api_id, r.env, r.region, r.instance, r.instance_type, r.net, r.rsp_st, r.ups_st, r.req_len, r.rsp_len, r.ups_req_len, r.ups_rsp_len, r.ups_net, r.plan_id, r.order_id, r.goods_id, r.billable, r.reason, r.rule)))), 16, '0') AS hash,
    countIf(r.hour = toDateTime('2026-11-20 13:00:00', 'UTC')
        AND r.billable AND r.part = 'final' AND r.instance_type = 'shared') AS calls,
    toString(sumIf(toUInt128(r.rsp_len), r.hour = toDateTime('2026-11-20 13:00:00', 'UTC') AND r.net = 'public')
        + sumIf(toUInt128(r.ups_req_len), r.hour = toDateTime('2026-11-20 13:00:00', 'UTC') AND r.ups_net = 'public')) AS bytes,
    sum(JSONExtractUInt(r.life, 'refused')) AS refused,
    sum(JSONExtractUInt(r.life, 'unrecorded')) AS unrecorded
FROM records AS r
ASOF INNER JOIN frozen AS f
    ON r.gateway = f.gateway
   AND r.epoch = f.epoch
   AND r.worker = f.worker
   AND r.seq >= f.first
WHERE (r.time >= toDateTime64('2026-11-20 13:00:00', 3, 'UTC') AND r.time < toDateTime64('2026-11-20 14:00:00', 3, 'UTC'))
  AND r.seq <= f.last
GROUP BY gateway, epoch, worker
