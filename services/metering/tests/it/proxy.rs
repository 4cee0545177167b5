//! A port between metering and the engine that can break, at the worst moment.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How the port behaves.
pub struct Proxy {
    pub port: u16,
    plan: Arc<Plan>,
}

#[derive(Default)]
struct Plan {
    /// By table: answers to inserts that are swallowed; the connection breaks instead.
    swallow: Mutex<BTreeMap<&'static str, u32>>,
    /// Connections that are refused before anything is read.
    refuse: AtomicU32,
}

// === impl Proxy ===

impl Proxy {
    /// Listens on a free port for the engine at `url`.
    pub async fn start(url: &str) -> Self {
        let target = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let plan: Arc<Plan> = Arc::default();
        let shared = Arc::clone(&plan);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let one = |n: u32| n.checked_sub(1);
                if shared.refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one).is_ok() {
                    continue;
                }
                tokio::spawn(relay(client, target.clone(), Arc::clone(&shared)));
            }
        });
        Self { port, plan }
    }

    /// The next `count` inserts into `table` are carried out, and their answers are lost.
    pub fn swallow(&self, table: &'static str, count: u32) {
        self.plan.tables().insert(table, count);
    }

    /// The next `count` connections are closed at once.
    pub fn refuse(&self, count: u32) {
        self.plan.refuse.store(count, Ordering::SeqCst);
    }

    /// Whether all that was planned has happened.
    pub fn done(&self) -> bool {
        self.plan.tables().values().all(|count| *count == 0)
            && self.plan.refuse.load(Ordering::SeqCst) == 0
    }
}

// === impl Plan ===

impl Plan {
    fn tables(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, u32>> {
        self.swallow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the answer to what was sent is to be swallowed; that is counted.
    fn swallows(&self, sent: &[u8]) -> bool {
        let text = String::from_utf8_lossy(&sent[..sent.len().min(4096)]);
        let mut tables = self.tables();
        let insert = |table: &&str| text.contains(&format!("INSERT%20INTO%20{table}%20"));
        let Some(table) = tables.keys().copied().find(insert) else { return false };
        let count = tables.get_mut(table).expect("it was just found");
        let swallows = *count > 0;
        *count = count.saturating_sub(1);
        swallows
    }
}

async fn relay(client: TcpStream, target: String, plan: Arc<Plan>) -> std::io::Result<()> {
    let server = TcpStream::connect(target).await?;
    let (mut client_read, mut client_write) = client.into_split();
    let (mut server_read, mut server_write) = server.into_split();
    let (inserts_tx, mut inserts) = tokio::sync::mpsc::channel::<()>(8);
    let up = async move {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = client_read.read(&mut buffer).await?;
            if read == 0 {
                return server_write.shutdown().await;
            }
            if plan.swallows(&buffer[..read]) {
                inserts_tx.send(()).await.ok();
            }
            server_write.write_all(&buffer[..read]).await?;
        }
    };
    let down = async move {
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = server_read.read(&mut buffer).await?;
            if read == 0 {
                return client_write.shutdown().await;
            }
            if inserts.try_recv().is_ok() {
                return Err(std::io::ErrorKind::ConnectionAborted.into());
            }
            client_write.write_all(&buffer[..read]).await?;
        }
    };
    tokio::try_join!(up, down).map(|_| ())
}
