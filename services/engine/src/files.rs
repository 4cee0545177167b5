//! The files of the data folder: secrets, and the engine's own configuration.
//!
//! - All of them are readable by the owner only: they hold the keys to the port.
//! - The secrets are made at the first start and stay; the configuration is written anew at each
//!   start, so it always is the one that this version of Tollgate wants.
//! - The engine's call logs in as `default` without a password, so that user has to stay. What keeps
//!   others out is the header: no request without it reaches any handler.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::{Deserialize, Serialize};
use settings::Secret;
use sha2::{Digest, Sha256};

use crate::child::CONFIG_FILE;
use crate::config::{Endpoint, HEADER, USER};

/// The file of the secrets.
pub(crate) const SECRETS_FILE: &str = "secrets.json";

/// The file of users and their grants.
const USERS_FILE: &str = "users.xml";

/// 256 bits: as strong as the hashes around them.
const SECRET_BYTES: usize = 32;

/// Seconds until the engine gives up on a client that stalls in the middle of an insert. A killed
/// insert of a frozen client ends only then, and its successor waits for that. It stands in the
/// profile `default`, from which the server's sockets take it: in our user's it has no effect
/// (measured: 30 s there, 3 s here).
pub const RECEIVE_TIMEOUT_S: u32 = 3;

/// Seconds until the engine closes a connection on which nothing is asked. A stop waits for those
/// that are open, idle or not; clients of ClickHouse reckon with 3 s and let go sooner.
pub const KEEP_ALIVE_S: u32 = 3;

/// What [`USER`] may do; `{database}` stands for the name of the database.
pub const GRANTS: [&str; 4] = [
    "GRANT SHOW, SELECT, INSERT, ALTER, CREATE, DROP, TRUNCATE, OPTIMIZE ON {database}*.*",
    "GRANT SELECT ON system.*",
    "GRANT TABLE ENGINE ON *",
    "GRANT CREATE TEMPORARY TABLE, KILL QUERY ON *.*",
];

/// Of the memory that the engine may use, one part in so many for the marks of the column files.
const MARK_CACHE_SHARE: u64 = 8;

/// What opens the engine's port. `Debug` is not derived, so that it can not be printed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// Value of [`HEADER`].
    pub(crate) header: String,
    /// Password of [`USER`].
    pub(crate) password: String,
}

/// How an engine on `url` is reached whose secrets lie in `file` (`secrets.json` in its folder).
///
/// # Errors
/// The file can not be read, or is not as the engine wrote it. `NotFound`: that engine has not been
/// started yet.
pub fn endpoint_of(url: &str, file: &Path) -> io::Result<Endpoint> {
    let secrets: Secrets = serde_json::from_slice(&fs::read(file)?)?;
    Ok(Endpoint {
        url: url.to_owned(),
        header: (HEADER.to_owned(), Secret::new(secrets.header)),
        user: USER.to_owned(),
        password: Secret::new(secrets.password),
    })
}

// === impl Secrets ===

impl Secrets {
    /// The secrets of the folder, made now if there are none yet.
    pub(crate) fn load(dir: &Path) -> io::Result<Self> {
        let path = dir.join(SECRETS_FILE);
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let text = format!("not as written ({error}); remove it to have new secrets made");
                io::Error::new(io::ErrorKind::InvalidData, text)
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = Self { header: random()?, password: random()? };
                let text = serde_json::to_string(&made).expect("two texts are JSON");
                write(&path, &text)?;
                Ok(made)
            }
            Err(error) => Err(error),
        }
    }
}

fn random() -> io::Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all");
        text
    })
}

/// Writes a file that only the owner reads, whole or not at all.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)
}

/// Writes the engine's configuration into `dir`.
pub(crate) fn write_config(
    dir: &Path,
    secrets: &Secrets,
    memory_max: u64,
    database: &str,
) -> io::Result<()> {
    write(&dir.join(CONFIG_FILE), &server(secrets, memory_max))?;
    write(&dir.join(USERS_FILE), &users(secrets, database))
}

/// Paths are relative: the child runs inside the data folder.
fn server(secrets: &Secrets, memory_max: u64) -> String {
    let mark_cache = memory_max / MARK_CACHE_SHARE;
    let header = &secrets.header;
    format!(
        "<clickhouse>
  <logger>
    <log>engine.log</log>
    <size>10M</size>
    <count>2</count>
  </logger>
  <timezone>UTC</timezone>
  <keep_alive_timeout>{KEEP_ALIVE_S}</keep_alive_timeout>
  <max_server_memory_usage>{memory_max}</max_server_memory_usage>
  <mark_cache_size>{mark_cache}</mark_cache_size>
  <users_config>{USERS_FILE}</users_config>
  <http_handlers>
    <rule>
      <headers><{HEADER}>{header}</{HEADER}></headers>
      <handler>
        <type>dynamic_query_handler</type>
        <query_param_name>query</query_param_name>
      </handler>
    </rule>
  </http_handlers>
</clickhouse>
"
    )
}

fn users(secrets: &Secrets, database: &str) -> String {
    let password = hex(&Sha256::digest(secrets.password.as_bytes()));
    let grant =
        |text: &str| format!("        <query>{}</query>\n", text.replace("{database}", database));
    let grants: String = GRANTS.iter().copied().map(grant).collect();
    format!(
        "<clickhouse>
  <profiles>
    <default>
      <http_receive_timeout>{RECEIVE_TIMEOUT_S}</http_receive_timeout>
    </default>
    <{USER}>
      <async_insert>0</async_insert>
    </{USER}>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </default>
    <{USER}>
      <password_sha256_hex>{password}</password_sha256_hex>
      <networks><ip>127.0.0.1</ip><ip>::1</ip></networks>
      <profile>{USER}</profile>
      <quota>default</quota>
      <grants>
{grants}      </grants>
    </{USER}>
  </users>
</clickhouse>
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn secrets_are_made_once_and_read_by_the_owner_only() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = Secrets::load(dir.path()).expect("made");
        let again = Secrets::load(dir.path()).expect("kept");
        assert_eq!((&first.header, &first.password), (&again.header, &again.password));
        assert_ne!(first.header, first.password);
        assert_eq!(first.header.len(), 2 * SECRET_BYTES);
        write_config(dir.path(), &first, 1 << 30, "tollgate").expect("written");
        for file in [SECRETS_FILE, CONFIG_FILE, USERS_FILE] {
            let mode = fs::metadata(dir.path().join(file)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file}");
        }
    }

    #[test]
    fn the_password_itself_is_in_no_configuration() {
        let secrets = Secrets { header: "h".repeat(64), password: "p".repeat(64) };
        let users = users(&secrets, "tollgate");
        assert!(!users.contains(&secrets.password));
        assert!(server(&secrets, 1).contains(&secrets.header));
    }

    #[test]
    fn damaged_secrets_say_what_to_do() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join(SECRETS_FILE), "{").expect("written");
        let error = Secrets::load(dir.path()).err().expect("refused");
        assert!(error.to_string().contains("remove it"), "{error}");
    }
}
