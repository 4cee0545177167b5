//! What ships nginx's log to Kafka: rsyslog's imfile and omkafka, with the promises that our
//! shipper gives (all copies, idempotent, lz4).

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::nginx;
use crate::process::{PROXY_CORE, Process, find};

/// Where distributions put its modules.
const MODULES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/rsyslog",
    "/usr/lib/aarch64-linux-gnu/rsyslog",
    "/usr/lib64/rsyslog",
    "/usr/lib/rsyslog",
];

/// True when it is installed, with the module that speaks to Kafka.
pub(super) fn is_there() -> bool {
    let module = |folder: &&str| Path::new(folder).join("omkafka.so").is_file();
    find("rsyslogd").is_some() && MODULES.iter().any(module)
}

pub(super) fn start(broker: &str, topic: &str, folder: &Path) -> Result<Process> {
    let log = folder.join(nginx::LOG);
    let (work, log) = (folder.display(), log.display());
    let text = format!(
        "global(workDirectory=\"{work}\" maxMessageSize=\"64k\")\n\
         module(load=\"imfile\" mode=\"inotify\")\n\
         module(load=\"omkafka\")\n\
         template(name=\"line\" type=\"string\" string=\"%msg%\")\n\
         input(type=\"imfile\" file=\"{log}\" tag=\"nginx\" ruleset=\"ship\")\n\
         ruleset(name=\"ship\" queue.type=\"LinkedList\" queue.size=\"500000\" \
         queue.dequeueBatchSize=\"1024\") {{\n\
         action(type=\"omkafka\" broker=[\"{broker}\"] topic=\"{topic}\" template=\"line\" \
         partitions.auto=\"on\" confParam=[\"compression.codec=lz4\", \"acks=all\", \
         \"enable.idempotence=true\", \"queue.buffering.max.ms=100\", \
         \"queue.buffering.max.messages=500000\"])\n\
         }}\n"
    );
    fs::write(folder.join("rsyslog.conf"), text)?;
    let program = find("rsyslogd").context("rsyslogd is missing")?;
    Process::start(&program, &["-n", "-iNONE", "-f", "rsyslog.conf"], folder, PROXY_CORE)
}
