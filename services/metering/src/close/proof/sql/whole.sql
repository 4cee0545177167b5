SELECT
    gateway,
    epoch,
    worker,
    min(seq) AS lowest,
    max(seq) AS highest,
    count() AS stored,
    leftPad(lower(hex(sumWithOverflow(cityHash64(req_id, time, gateway, epoch, worker, seq, part, account, caller, service_id, api_id, env, region, instance, instance_type, net, rsp_st, ups_st, req_len, rsp_len, ups_req_len, ups_rsp_len, ups_net, plan_id, order_id, goods_id, billable, reason, rule)))), 16, '0') AS hash,
    countIf(billable AND part = 'final' AND instance_type = 'shared') AS calls,
    toString(sumIf(toUInt128(rsp_len), net = 'public')
        + sumIf(toUInt128(ups_req_len), ups_net = 'public')) AS bytes,
    sum(JSONExtractUInt(life, 'refused')) AS refused,
    sum(JSONExtractUInt(life, 'unrecorded')) AS unrecorded
FROM records
WHERE toStartOfHour(time) IN (toDateTime('2026-11-20 13:00:00', 'UTC'))
GROUP BY gateway, epoch, worker
