//! A port between metering and the engine that can break, at the worst moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How the port behaves.
pub struct Proxy {
    pub port: u16,
    plan: Arc<Plan>,
}

#[derive(Default)]
struct Plan {
    /// Answers to inserts into `records` that are swallowed: the connection breaks instead.
    swallow: AtomicU32,
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
                if take(&shared.refuse) {
                    continue;
                }
                tokio::spawn(relay(client, target.clone(), Arc::clone(&shared)));
            }
        });
        Self { port, plan }
    }

    /// The next `count` inserts into `records` are carried out, and their answers are lost.
    pub fn swallow(&self, count: u32) {
        self.plan.swallow.store(count, Ordering::SeqCst);
    }

    /// The next `count` connections are closed at once.
    pub fn refuse(&self, count: u32) {
        self.plan.refuse.store(count, Ordering::SeqCst);
    }

    /// Whether all that was planned has happened.
    pub fn done(&self) -> bool {
        [&self.plan.swallow, &self.plan.refuse].iter().all(|n| n.load(Ordering::SeqCst) == 0)
    }
}

/// Takes one from a count, unless it is 0.
fn take(count: &AtomicU32) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
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
            let text = String::from_utf8_lossy(&buffer[..read.min(4096)]);
            if text.contains("INSERT%20INTO%20records") {
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
            if inserts.try_recv().is_ok() && take(&plan.swallow) {
                return Err(std::io::ErrorKind::ConnectionAborted.into());
            }
            client_write.write_all(&buffer[..read]).await?;
        }
    };
    tokio::try_join!(up, down).map(|_| ())
}
