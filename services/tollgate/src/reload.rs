//! The configuration file while a gateway runs: what changes in `services:` and `keys:` is served
//! without a restart.
//!
//! - The file is looked at every [`LOOK`]; SIGHUP reads it at once, also when only a file or a
//!   variable that it names has changed.
//! - A version with mistakes is refused whole, all of them are said at once, and the old one serves
//!   on; `config_refused` is 1 until the file is good again.
//! - A fault in an API's credentials, CORS or mock leaves that API out of service, which answers 481;
//!   the rest of the version is served, at the start too. All faults are said, and
//!   `config_faulty_apis` counts the APIs.
//! - What a version suspends or releases stands in `audit.log` before it is served.
//! - The rest of the file is fixed at the start: a change there is said, and waits for a restart.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow};
use policy::Policy;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use crate::audit::{Audit, Said};
use crate::config::{self, Config, Source};
use crate::metrics;
use crate::process::now;

/// Between two looks at the file.
const LOOK: Duration = Duration::from_secs(1);

/// How reloading went so far; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Reloads(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    /// Versions that were served.
    done: AtomicU64,
    /// 1 while the file as it stands is refused.
    refused: AtomicU64,
    /// APIs of what is served that are out of service.
    faulty: AtomicU64,
    /// Bytes of the audit log that are not on disk.
    unwritten: AtomicU64,
    /// The name that was served at the start: a command may have given it, not the file.
    gateway: String,
    /// Locked at the start and by the follower only: nobody waits for anybody.
    audit: Mutex<Audit>,
}

/// Follows the file of a configuration.
pub(crate) struct Follower {
    /// As it is served.
    source: Source,
    /// Hash of the text that was refused last; it is not read again.
    refused: Option<u64>,
    reloads: Reloads,
    asked: Signal,
}

// === impl Reloads ===

impl Reloads {
    /// For gateways that are about to serve `config`; their spool is held by this process.
    ///
    /// # Errors
    /// The audit log can not be read or written.
    pub(crate) fn new(config: &Config) -> anyhow::Result<Self> {
        fs::create_dir_all(&config.data).context("the data folder can not be made")?;
        let audit = Audit::open(&config.data).context("audit.log can not be read")?;
        let zero = AtomicU64::default;
        let (done, refused, faulty, unwritten) = (zero(), zero(), zero(), zero());
        let (gateway, audit) = (config.gateway.name.clone(), Mutex::new(audit));
        let counts = Counts { done, refused, faulty, unwritten, gateway, audit };
        let reloads = Self(Arc::new(counts));
        reloads.note(config, "start");
        match reloads.0.unwritten.load(Ordering::Relaxed) {
            0 => Ok(reloads),
            _ => Err(anyhow!("audit.log can not be written in {}", config.data.display())),
        }
    }

    /// Says what of `config` is out of service, before it is served.
    fn note(&self, config: &Config, by: &'static str) {
        let file = fs::canonicalize(&config.source.file);
        let file = file.unwrap_or_else(|_| config.source.file.clone());
        let said = Said { gateway: &self.0.gateway, file: &file, by, now: now() };
        let waiting = self.audit(|audit| audit.note(&config.policy, said));
        self.count_unwritten(waiting);
        let faulty = config.policy.faulty_apis();
        if faulty > 0 {
            let faults = &config.faults;
            tracing::error!(faulty, %faults, "APIs with faulty settings are out of service");
        }
        self.0.faulty.store(u64::try_from(faulty).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Tries again what the disk did not take.
    async fn write_again(&self) {
        if self.0.unwritten.load(Ordering::Relaxed) == 0 {
            return;
        }
        let reloads = self.clone();
        // A disk that hangs must not hold a signal to end. A panic was logged.
        tokio::task::spawn_blocking(move || reloads.count_unwritten(reloads.audit(Audit::write)))
            .await
            .ok();
    }

    fn audit<T>(&self, act: impl FnOnce(&mut Audit) -> T) -> T {
        act(&mut self.0.audit.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn count_unwritten(&self, bytes: usize) {
        self.0.unwritten.store(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Collector for Reloads {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Counts { done, refused, faulty, unwritten, .. } = &*self.0;
        let lines = [
            ("config_reloads_total", "Versions of services and keys that were loaded", false, done),
            (
                "config_refused",
                "1 while the configuration file has mistakes, and the one before serves on. Alarm",
                true,
                refused,
            ),
            (
                "config_faulty_apis",
                "APIs that are out of service since their settings are faulty. Alarm",
                true,
                faulty,
            ),
            (
                "config_audit_waiting_bytes",
                "Lines of the audit log that the disk did not take yet. Alarm",
                true,
                unwritten,
            ),
        ];
        for (name, help, gauge, value) in lines {
            let value = i64::try_from(value.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
            metrics::one(&mut encoder, name, help, gauge, value)?;
        }
        Ok(())
    }
}

// === impl Follower ===

impl Follower {
    /// From here on SIGHUP does not end the process.
    ///
    /// # Errors
    /// The system gives no signals.
    pub(crate) fn new(source: Source, reloads: Reloads) -> anyhow::Result<Self> {
        let asked = signal(SignalKind::hangup()).context("signals can not be listened to")?;
        Ok(Self { source, refused: None, reloads, asked })
    }

    /// Never returns.
    pub(crate) async fn run(mut self, serve: impl Fn(Arc<Policy>)) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let asked = tokio::select! {
                _ = looks.tick() => false,
                Some(()) = self.asked.recv() => true,
            };
            self.reloads.write_again().await;
            if asked || self.has_changed() {
                self.reload(&serve).await;
            }
        }
    }

    /// A file that can not be read is no change: who writes it anew may have removed it first.
    fn has_changed(&self) -> bool {
        let Ok(text) = fs::read(&self.source.file) else { return false };
        let hash = spool::hash(&text);
        hash != self.source.text && Some(hash) != self.refused
    }

    async fn reload(&mut self, serve: &impl Fn(Arc<Policy>)) {
        let file = self.source.file.clone();
        let text = fs::read(&file).map(|text| spool::hash(&text)).ok();
        // Thousands of routes take a while.
        let reloads = self.reloads.clone();
        let load = move || config::load(&file).inspect(|config| reloads.note(config, "reload"));
        let Ok(read) = tokio::task::spawn_blocking(load).await else {
            return tracing::error!("reading the configuration panicked; the old one serves on");
        };
        match read {
            Ok(config) => {
                if config.source.fixed != self.source.fixed {
                    tracing::warn!("only services and keys are loaded; the rest needs a restart");
                }
                let services = config.policy.services().len();
                tracing::info!(services, "services and keys are loaded anew");
                serve(config.policy);
                (self.source, self.refused) = (config.source, None);
                self.reloads.0.done.fetch_add(1, Ordering::Relaxed);
                self.reloads.0.refused.store(0, Ordering::Relaxed);
            }
            Err(mistakes) => {
                tracing::error!(%mistakes, "the configuration is refused; the old one serves on");
                self.refused = text;
                self.reloads.0.refused.store(1, Ordering::Relaxed);
            }
        }
    }
}
