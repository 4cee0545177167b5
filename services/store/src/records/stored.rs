//! A stored record on its way back.

use record::{Fault, InstanceType, Millis, Net, Part, Reason, Record, Time, Verdict};
use serde::Deserialize;
use thiserror::Error;

use super::columns::COLUMNS;
use super::life;

/// A row of `records` with all its columns ([`StoredRecord::columns`]), as a query gives it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StoredRecord {
    req_id: String,
    client_req_id: String,
    time: String,
    gateway: String,
    epoch: u64,
    worker: u16,
    seq: u64,
    part: String,
    life: String,
    account: String,
    caller: String,
    service_id: String,
    api_id: String,
    env: String,
    region: String,
    instance: String,
    instance_type: String,
    net: String,
    scheme: String,
    method: String,
    host: String,
    uri: String,
    query: String,
    proto: String,
    rsp_st: u16,
    ups_st: String,
    ip: String,
    upip: String,
    vip: String,
    req_len: u64,
    rsp_len: u64,
    ups_req_len: u64,
    ups_rsp_len: u64,
    ups_net: String,
    req_t: u64,
    ups_rsp_t: Option<u64>,
    ups_conn_t: Option<u64>,
    ups_head_t: Option<u64>,
    tcp_rtt: Option<u32>,
    err_msg: String,
    fault: String,
    phase: String,
    secret_id: String,
    app_code: String,
    plan_id: String,
    order_id: String,
    goods_id: String,
    user_agent: String,
    referer: String,
    trace_id: String,
    billable: bool,
    reason: String,
    rule: u16,
    stored_at: String,
}

/// A stored value is none that this program writes: somebody altered it, or a newer one wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{column}` of record {gateway}/{epoch}/{worker} {seq} is `{value}`")]
pub struct StoredError {
    /// The column.
    pub column: &'static str,
    /// What stands there.
    pub value: String,
    /// Gateway of the record's stream.
    pub gateway: String,
    /// Epoch of the record's stream.
    pub epoch: u64,
    /// Worker of the record's stream.
    pub worker: u16,
    /// Position of the record.
    pub seq: u64,
}

// === impl StoredRecord ===

impl StoredRecord {
    /// The columns to select, separated by commas.
    pub fn columns() -> String {
        let names = COLUMNS.iter().map(|column| column.name).chain(["stored_at"]);
        names.collect::<Vec<_>>().join(", ")
    }

    /// The account that is billed, for the check of TENANT-1.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The account that owns the credential used, likewise.
    pub fn caller(&self) -> &str {
        &self.caller
    }

    /// The version of RULE-1 that judged it.
    pub fn rule(&self) -> u16 {
        self.rule
    }

    /// When ClickHouse took it.
    ///
    /// # Errors
    /// [`StoredError`]
    pub fn stored_at(&self) -> Result<Time, StoredError> {
        self.read("stored_at", &self.stored_at, Time::parse_rfc3339)
    }

    /// The verdict as it was stored; it is not judged again.
    ///
    /// # Errors
    /// [`StoredError`]
    pub fn verdict(&self) -> Result<Verdict, StoredError> {
        let reason = self.read("reason", &self.reason, Reason::parse)?;
        Ok(Verdict { billable: self.billable, reason })
    }

    /// The record.
    ///
    /// # Errors
    /// [`StoredError`]
    pub fn into_record(self) -> Result<Record<'static>, StoredError> {
        let time = self.read("time", &self.time, Time::parse_rfc3339)?;
        let part = self.read("part", &self.part, Part::parse)?;
        let life = self.read("life", &self.life, life::from_json)?;
        let instance_type = self.read("instance_type", &self.instance_type, InstanceType::parse)?;
        let net = self.read("net", &self.net, Net::parse)?;
        let ups_net = self.read("ups_net", &self.ups_net, Net::parse)?;
        let fault = self.read("fault", &self.fault, Fault::parse)?;
        Ok(Record {
            req_id: self.req_id.into(),
            client_req_id: self.client_req_id.into(),
            time,
            gateway: self.gateway.into(),
            epoch: self.epoch,
            worker: self.worker,
            seq: self.seq,
            part,
            life,
            account: self.account.into(),
            caller: self.caller.into(),
            service_id: self.service_id.into(),
            api_id: self.api_id.into(),
            env: self.env.into(),
            region: self.region.into(),
            instance: self.instance.into(),
            instance_type,
            net,
            scheme: self.scheme.into(),
            method: self.method.into(),
            host: self.host.into(),
            uri: self.uri.into(),
            query: self.query.into(),
            proto: self.proto.into(),
            rsp_st: self.rsp_st,
            ups_st: self.ups_st.into(),
            ip: self.ip.into(),
            upip: self.upip.into(),
            vip: self.vip.into(),
            req_len: self.req_len,
            rsp_len: self.rsp_len,
            ups_req_len: self.ups_req_len,
            ups_rsp_len: self.ups_rsp_len,
            ups_net,
            req_t: Millis(self.req_t),
            ups_rsp_t: self.ups_rsp_t.map(Millis),
            ups_conn_t: self.ups_conn_t.map(Millis),
            ups_head_t: self.ups_head_t.map(Millis),
            tcp_rtt: self.tcp_rtt,
            err_msg: self.err_msg.into(),
            fault,
            phase: self.phase.into(),
            secret_id: self.secret_id.into(),
            app_code: self.app_code.into(),
            plan_id: self.plan_id.into(),
            order_id: self.order_id.into(),
            goods_id: self.goods_id.into(),
            user_agent: self.user_agent.into(),
            referer: self.referer.into(),
            trace_id: self.trace_id.into(),
        })
    }

    fn read<T>(
        &self,
        column: &'static str,
        value: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoredError> {
        parse(value).ok_or_else(|| StoredError {
            column,
            value: value.to_owned(),
            gateway: self.gateway.clone(),
            epoch: self.epoch,
            worker: self.worker,
            seq: self.seq,
        })
    }
}
