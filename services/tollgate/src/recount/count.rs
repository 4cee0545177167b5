//! What records come to: calls and bytes of each account, added up one by one.
//!
//! - A call: a final record that RULE-1 calls billable, of a shared instance.
//! - Traffic: bytes to a client that came over the public network, and bytes to a backend that is
//!   reached over it; whatever the verdict, the part and the kind of instance.

use std::collections::BTreeMap;

use pricing::{CallsKey, Direction, HourUsage, TrafficKey};
use record::{InstanceType, Net, Part, Record, Verdict};

/// By account.
pub(crate) type Usages = BTreeMap<String, HourUsage>;

/// Adds one record. What comes to nothing leaves no trace.
pub(crate) fn count(usages: &mut Usages, record: &Record<'_>, verdict: Verdict) {
    let instance_type = record.instance_type;
    let call = verdict.billable && record.part == Part::Final;
    let call = call && instance_type == InstanceType::Shared;
    let traffic = [
        (Direction::Response, record.net, record.rsp_len),
        (Direction::Backend, record.ups_net, record.ups_req_len),
    ];
    let traffic = traffic.map(|(direction, net, bytes)| (direction, public(net, bytes)));
    if !call && traffic.iter().all(|(_, bytes)| *bytes == 0) {
        return;
    }
    if !usages.contains_key(&*record.account) {
        usages.insert(record.account.clone().into_owned(), HourUsage::default());
    }
    let usage = usages.get_mut(&*record.account).expect("it was just put there");
    if call {
        *usage.calls.entry(CallsKey { instance_type }).or_default() += 1;
    }
    for (direction, bytes) in traffic.into_iter().filter(|(_, bytes)| *bytes > 0) {
        let region = record.region.clone().into_owned();
        let key = TrafficKey { region, direction, instance_type };
        *usage.traffic.entry(key).or_default() += bytes;
    }
}

fn public(net: Net, bytes: u64) -> u128 {
    match net {
        Net::Public => bytes.into(),
        Net::Private => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line: `account part instance_type rsp_st ups_st net:rsp_len ups_net:ups_req_len`.
    fn check(records: &str, expect: &[&str]) {
        let mut usages = Usages::new();
        for line in records.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [account, part, instance, rsp_st, ups_st, response, backend] = words[..] else {
                panic!("seven words: {line}")
            };
            let traffic = |text: &str| {
                let (net, bytes) = text.split_once(':').expect("net:bytes");
                (Net::parse(net).expect("a net"), bytes.parse::<u64>().expect("bytes"))
            };
            let ((net, rsp_len), (ups_net, ups_req_len)) = (traffic(response), traffic(backend));
            let record = Record {
                account: account.into(),
                region: "ap".into(),
                part: Part::parse(part).expect("a part"),
                instance_type: InstanceType::parse(instance).expect("a kind"),
                rsp_st: rsp_st.parse().expect("a status"),
                ups_st: ups_st.into(),
                net,
                rsp_len,
                ups_net,
                ups_req_len,
                ..Record::default()
            };
            count(&mut usages, &record, record::judge(&record));
        }
        let mut found = Vec::new();
        for (account, usage) in &usages {
            for (key, calls) in &usage.calls {
                found.push(format!("{account} {} calls {calls}", key.instance_type));
            }
            for (key, bytes) in &usage.traffic {
                let TrafficKey { region, direction, instance_type } = key;
                let direction = direction.as_str();
                found.push(format!("{account} {instance_type} {region} {direction} {bytes}"));
            }
        }
        assert_eq!(found, expect, "{records}");
    }

    #[test]
    fn calls_are_billable_final_records_of_shared_instances() {
        check("a final shared 200 - private:9 private:9", &["a shared calls 1"]);
        check("a final dedicated 200 - private:9 private:9", &[]);
        check("a final shared 502 502 private:0 private:0", &["a shared calls 1"]);
        check("a final shared 502 - private:0 private:0", &[]);
        check("a final shared 499 - private:0 private:0", &[]);
        check("a interim shared 200 200 private:0 private:0", &[]);
        check("a heartbeat shared 0 - private:0 private:0", &[]);
        check(
            "a final shared 200 200 private:0 private:0
             b final shared 404 404 private:0 private:0
             a final shared 200 - private:0 private:0",
            &["a shared calls 2", "b shared calls 1"],
        );
    }

    #[test]
    fn traffic_is_what_leaves_over_the_public_network_whatever_the_verdict() {
        check("a final shared 403 - public:120 private:7", &["a shared ap response 120"]);
        check(
            "a interim shared 0 - public:5 public:6",
            &["a shared ap response 5", "a shared ap backend 6"],
        );
        check("a final dedicated 200 200 private:5 public:6", &["a dedicated ap backend 6"]);
        check("a final dedicated 200 200 public:0 public:0", &[]);
    }

    #[test]
    fn sums_do_not_wrap() {
        check(
            "a final dedicated 200 - public:18446744073709551615 private:0
             a final dedicated 200 - public:18446744073709551615 private:0",
            &["a dedicated ap response 36893488147419103230"],
        );
    }
}
