//! ClickHouse's own HTTP port, asked directly: what is stored is never looked at through the
//! product.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::{Answer, Client};

/// Where a ClickHouse is, and how to log in.
#[derive(Debug, Clone)]
pub struct ClickHouse {
    addr: SocketAddr,
    /// Header lines with the database, the user, and the engine's secret.
    login: String,
}

// === impl ClickHouse ===

impl ClickHouse {
    /// From what `running.json` or the engine's access file says: `url`, `user`, `password`, and
    /// perhaps `database` and `header`.
    pub fn new(access: &Value) -> Option<Self> {
        let word = |key: &str| access.get(key).and_then(Value::as_str);
        let addr = word("url")?.trim_start_matches("http://").trim_end_matches('/').parse().ok()?;
        let (user, password) = (word("user")?, word("password")?);
        let database = word("database").unwrap_or("tollgate");
        let mut login = format!(
            "X-ClickHouse-Database: {database}\r\nX-ClickHouse-User: {user}\r\n\
             X-ClickHouse-Key: {password}\r\n"
        );
        if let Some([name, value]) = access["header"].as_array().map(Vec::as_slice) {
            let (name, value) = (name.as_str()?, value.as_str()?);
            write!(login, "{name}: {value}\r\n").expect("writing to a string");
        }
        Some(Self { addr, login })
    }

    /// Runs a query; gives the answer's text.
    ///
    /// # Errors
    /// What the server or the socket said.
    pub fn try_sql(&self, sql: &str) -> Result<String, String> {
        let (login, length) = (&self.login, sql.len());
        let request = format!(
            "POST /?output_format_json_quote_64bit_integers=0 HTTP/1.1\r\nHost: engine\r\n\
             {login}Content-Length: {length}\r\n\r\n{sql}"
        );
        let answer =
            Client::connect(self.addr).and_then(|mut client| client.exchange(request.as_bytes()));
        let answer: Answer = answer.map_err(|error| error.to_string())?;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status == 200 { Ok(body) } else { Err(body) }
    }

    /// The same for a query that must succeed.
    ///
    /// # Panics
    /// When it does not.
    pub fn sql(&self, sql: &str) -> String {
        self.try_sql(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Rows as JSON objects.
    ///
    /// # Panics
    /// When the query fails.
    pub fn rows(&self, sql: &str) -> Vec<Value> {
        self.typed(sql)
    }

    /// Rows of a type that names their columns.
    ///
    /// # Panics
    /// When the query fails, or gives other columns.
    pub fn typed<T: DeserializeOwned>(&self, sql: &str) -> Vec<T> {
        let text = self.sql(&format!("{sql} FORMAT JSONEachRow"));
        let row = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        text.lines().map(row).collect()
    }

    /// One number.
    ///
    /// # Panics
    /// When the answer is none.
    pub fn number(&self, sql: &str) -> u64 {
        let text = self.sql(sql);
        text.trim().parse().unwrap_or_else(|_| panic!("{sql}: `{text}` is no number"))
    }
}
