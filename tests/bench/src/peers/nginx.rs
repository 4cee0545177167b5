//! nginx in our gateway's place: one worker, a pool of kept connections to the backend, and a log
//! of JSON with the fields of our record.
//!
//! What it can not know (account, service, region) stands in the log as constants. The log is
//! buffered, so that a line costs no system call; bodies stream, as ours do, and never go to disk.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};

use super::{HOST, Setup, accepting, free_port};
use crate::process::{PROXY_CORE, Process, find};

/// Where the log is, from the side's folder.
pub(super) const LOG: &str = "access.log";

/// The fields of our record, in its order; what is empty for such a request is left out, as in ours.
const FIELDS: &str = r#"{"req_id":"$request_id","time":"$time_iso8601","gateway":"bench",
"epoch":1795000000000,"worker":$pid,"seq":$connection_requests,"part":"final",
"account":"1250000001","caller":"$http_source","service_id":"service-bench","api_id":"$api_id",
"env":"release","region":"ap-guangzhou","instance":"bench","instance_type":"shared","net":"private",
"scheme":"$scheme","method":"$request_method","host":"$host","uri":"$uri","query":"$args",
"proto":"$server_protocol","rsp_st":$status,"ups_st":"$upstream_status","ip":"$remote_addr",
"upip":"$upstream_addr","vip":"$server_addr","rsp_len":$bytes_sent,"req_len":$request_length,
"ups_req_len":"$upstream_bytes_sent","ups_rsp_len":"$upstream_bytes_received","ups_net":"private",
"req_t":$request_time,"ups_rsp_t":"$upstream_response_time","ups_conn_t":"$upstream_connect_time",
"ups_head_t":"$upstream_header_time","tcp_rtt":$tcpinfo_rtt,"fault":"none",
"user_agent":"$http_user_agent","referer":"$http_referer"}"#;

pub(super) fn start(setup: &Setup, folder: &Path) -> Result<(SocketAddr, Vec<Process>)> {
    let address = free_port()?;
    let file = folder.join("nginx.conf");
    fs::write(&file, configuration(setup, folder, address))?;
    let program = find("nginx").context("nginx is missing")?;
    let folder_text = folder.to_str().context("a folder with a name in UTF-8")?;
    let args = ["-p", folder_text, "-c", "nginx.conf", "-e", "stderr"];
    let mut process = Process::start(&program, &args, folder, PROXY_CORE)?;
    accepting(&mut process, address)?;
    Ok((address, vec![process]))
}

fn configuration(setup: &Setup, folder: &Path, address: SocketAddr) -> String {
    let Setup { backend, apis, .. } = setup;
    let folder = folder.display();
    let fields = FIELDS.replace('\n', "");
    // Otherwise the worker may not write where we may.
    let user = if rustix::process::getuid().is_root() { "user root root;" } else { "" };
    let mut text = format!(
        "{user}\n\
         daemon off;\n\
         worker_processes 1;\n\
         worker_rlimit_nofile 20000;\n\
         pid {folder}/nginx.pid;\n\
         error_log stderr warn;\n\
         events {{ worker_connections 16384; }}\n\
         http {{\n\
         log_format record escape=json '{fields}';\n\
         access_log {folder}/{LOG} record buffer=64k flush=1s;\n\
         client_body_temp_path {folder}/body;\n\
         proxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/fastcgi;\n\
         uwsgi_temp_path {folder}/uwsgi;\n\
         scgi_temp_path {folder}/scgi;\n\
         tcp_nodelay on;\n\
         keepalive_timeout 75s;\n\
         keepalive_requests 1000000000;\n\
         client_max_body_size 40m;\n\
         client_body_buffer_size 64k;\n\
         proxy_request_buffering off;\n\
         proxy_buffers 8 8k;\n\
         proxy_max_temp_file_size 0;\n\
         upstream backend {{ server {backend}; keepalive 64; keepalive_requests 1000000000; \
         keepalive_timeout 50s; }}\n\
         server {{\n\
         listen {address} backlog=4096;\n\
         server_name {HOST};\n\
         proxy_http_version 1.1;\n\
         proxy_set_header Connection \"\";\n\
         proxy_set_header Host {backend};\n\
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
         proxy_set_header X-Forwarded-Host $host;\n\
         proxy_set_header X-Forwarded-Proto $scheme;\n\
         proxy_set_header X-Real-IP $remote_addr;\n\
         proxy_set_header X-Api-RequestId $request_id;\n"
    );
    for number in 0..*apis {
        // Writing to a text does not fail.
        writeln!(
            text,
            "location /release/api-{number}/ {{ set $api_id api-{number}; \
             proxy_pass http://backend/; }}"
        )
        .expect("a text");
    }
    text + "location / { set $api_id \"\"; return 404; }\n}\n}\n"
}
