-- Sums of the records of each stream and hour, kept with the rows: written with each part, merged
-- with it, made anew when a row of it is altered. Numbers are counted by chunks of 65536, as the
-- islands of an hour are.
--
-- Why: the closing of an hour of 3.6 million rows reads some hundred sums instead of the rows. Its
-- hash alone reads 29 columns, which takes twice as long as the sums that its bills need. What it
-- costs: 0.3 to 0.7 µs of CPU for each row that is inserted, and 0.001 bytes of disk once merged.
-- Who checks a proof or computes an hour again reads the rows themselves.
--
-- An expression of a query must stand here letter by letter, else the rows are read: tests of
-- `store` and `metering` see to that. Parts from before this change have no sums; theirs are counted
-- from the rows.
ALTER TABLE records ADD PROJECTION IF NOT EXISTS by_stream
(
    SELECT
        toStartOfHour(time),
        gateway,
        epoch,
        worker,
        intDiv(seq, 65536),
        min(seq),
        max(seq),
        groupBitmap(seq),
        count(),
        sumWithOverflow(cityHash64(req_id, time, gateway, epoch, worker, seq, part, account, caller, service_id, api_id, env, region, instance, instance_type, net, rsp_st, ups_st, req_len, rsp_len, ups_req_len, ups_rsp_len, ups_net, plan_id, order_id, goods_id, billable, reason, rule)),
        countIf(billable AND part = 'final' AND instance_type = 'shared'),
        sumIf(toUInt128(rsp_len), net = 'public'),
        sumIf(toUInt128(ups_req_len), ups_net = 'public'),
        sum(JSONExtractUInt(life, 'refused')),
        sum(JSONExtractUInt(life, 'unrecorded'))
    GROUP BY toStartOfHour(time), gateway, epoch, worker, intDiv(seq, 65536)
)
