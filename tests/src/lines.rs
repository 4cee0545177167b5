//! Sample records as another gateway would have logged them, on one day of the past, and the
//! clock of that day.
//!
//! The lines are written here by hand, in both forms that `tollgate ingest` reads: nothing of the
//! product takes part.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The day of all samples, UTC: that of the examples in the provider's documentation.
pub const DAY: &str = "2024-01-17";
/// Its first second since 1970.
const DAY_S: i64 = 1_705_449_600;
/// Who sells in the samples.
pub const SELLER: &str = "1250000001";
/// A region of the published price book.
pub const GUANGZHOU: &str = "ap-guangzhou";
/// The backend of all samples.
pub const UPIP: &str = "10.1.0.5:80";
/// Another one, with another price.
pub const HONGKONG: &str = "ap-hongkong";

/// One call of the sample day.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its request id; no two samples share one.
    pub id: String,
    /// Hour of the day, UTC.
    pub hour: u32,
    /// Second of the hour.
    pub second: u32,
    /// Who is billed.
    pub account: String,
    /// The account of the credential, as a JSON line has it.
    pub caller: String,
    /// The marketplace order, as a JSON line has it.
    pub order_id: String,
    /// The path that was asked for.
    pub uri: String,
    /// Region of the gateway.
    pub region: String,
    /// `shared` or `dedicated`.
    pub instance_type: &'static str,
    /// Status sent to the client.
    pub rsp_st: u16,
    /// Status of the backend; empty when none was reached.
    pub ups_st: &'static str,
    /// `public` or `private`: where the client came from.
    pub net: &'static str,
    /// The same of the backend.
    pub ups_net: &'static str,
    /// Bytes to the client.
    pub rsp_len: u64,
    /// Bytes to the backend.
    pub ups_req_len: u64,
}

impl Call {
    /// A good call of the seller in one of its regions.
    pub fn new(number: u32, hour: u32, second: u32) -> Self {
        Self {
            id: format!("{:032x}", 0x7cee_a94a_f3f7_65f7_0000_0000_0000_0000 + u128::from(number)),
            hour,
            second,
            account: SELLER.to_owned(),
            caller: String::new(),
            order_id: String::new(),
            uri: "/x".to_owned(),
            region: GUANGZHOU.to_owned(),
            instance_type: "shared",
            rsp_st: 200,
            ups_st: "200",
            net: "public",
            ups_net: "private",
            rsp_len: 749,
            ups_req_len: 0,
        }
    }

    /// RULE-1, said once more: 200, or a backend that answered.
    pub fn billable(&self) -> bool {
        self.rsp_st == 200 || !self.ups_st.is_empty()
    }

    /// The provider's bracket form, which has no place for region, networks, instance type and
    /// the bytes to the backend.
    pub fn bracket(&self) -> String {
        let (minute, second) = (self.second / 60, self.second % 60);
        let ups_st = if self.ups_st.is_empty() { "-" } else { self.ups_st };
        format!(
            "[{}][release][service-a][svc.example.test][api-all][{}][https][rsp_st:{}]\
             [ups_st:{ups_st}][cip:203.0.113.7][uip:{UPIP}][vip:198.51.100.10][rsp_len:{}]\
             [req_len:578][req_t:0.028][ups_rsp_t:0.016][ups_conn_t:0.000][ups_head_t:0.016]\
             [err_msg:-][tcp_rtt:1000][7][17/Jan/2024:{:02}:{minute:02}:{second:02} +0000]\
             [req_id:{}]",
            self.account, self.uri, self.rsp_st, self.rsp_len, self.hour, self.id
        )
    }

    /// One JSON object; gateway, epoch and `seq` are those of whoever wrote the line.
    pub fn json(&self) -> String {
        let (minute, second) = (self.second / 60, self.second % 60);
        format!(
            "{{\"gateway\":\"elsewhere\",\"epoch\":1,\"worker\":0,\"seq\":0,\"req_id\":\"{}\",\
             \"time\":\"{DAY}T{:02}:{minute:02}:{second:02}.000Z\",\"account\":\"{}\",\
             \"caller\":\"{}\",\"order_id\":\"{}\",\"uri\":\"{}\",\"upip\":\"{UPIP}\",\
             \"ups_rsp_t\":0.016,\"region\":\"{}\",\"instance_type\":\"{}\",\"net\":\"{}\",\"ups_net\":\"{}\",\
             \"rsp_st\":{},\"ups_st\":\"{}\",\"rsp_len\":{},\"ups_req_len\":{}}}",
            self.id,
            self.hour,
            self.account,
            self.caller,
            self.order_id,
            self.uri,
            self.region,
            self.instance_type,
            self.net,
            self.ups_net,
            self.rsp_st,
            self.ups_st,
            self.rsp_len,
            self.ups_req_len
        )
    }
}

/// `count` good calls of the seller in one hour, some seconds apart; ids from `number` on.
pub fn calls(number: u32, hour: u32, count: u32) -> Vec<Call> {
    (0..count).map(|n| Call::new(number + n, hour, 60 + n * 7)).collect()
}

/// Writes a file of lines.
///
/// # Panics
/// When it can not be written.
pub fn write_file(path: &Path, lines: impl IntoIterator<Item = String>) {
    let mut text = String::new();
    for line in lines {
        writeln!(text, "{line}").expect("writing to a string");
    }
    fs::write(path, text).expect("a file of samples");
}

/// The hour of the sample day as commands and addresses take it.
pub fn hour(hour: u32) -> String {
    format!("{DAY}T{hour:02}")
}

/// The value of `TOLLGATE_TEST_CLOCK_AHEAD` with which it is now this minute of the sample day.
/// Hours after the 23rd are those of the next day.
///
/// # Panics
/// When the machine's clock is before 1970.
pub fn clock(hour: i64, minute: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set");
    let now = i64::try_from(now.as_secs()).expect("a time");
    (DAY_S + hour * 3600 + minute * 60 - now).to_string()
}
