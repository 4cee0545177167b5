-- The use of each account and hour, kept with the rows as `by_stream` is: what the bills of an hour
-- are made of, when all its rows are in its cut.
ALTER TABLE records ADD PROJECTION IF NOT EXISTS by_account
(
    SELECT
        toStartOfHour(time),
        account,
        region,
        instance_type,
        count(),
        countIf(billable AND part = 'final'),
        sumIf(toUInt128(rsp_len), net = 'public'),
        sumIf(toUInt128(ups_req_len), ups_net = 'public')
    GROUP BY toStartOfHour(time), account, region, instance_type
)
