//! The words of the command line. What they do is in `commands`.

mod records;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use record::Hour;

pub(crate) use records::{Errors, Language, LogsExplain, LogsSearch, LogsTail, Span, Usage};

/// An API gateway that turns every request into a record anyone entitled can look up,
/// and every hour into a bill anyone entitled can prove.
#[derive(Debug, Parser)]
#[command(name = "tollgate", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// How lists and documents are printed on standard output.
    #[arg(long, global = true, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For reading on a terminal.
    Table,
    /// One JSON document.
    Json,
    /// Comma-separated values with a head line.
    Csv,
    /// The provider's bracket form (`logs get` only).
    Text,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole way once on sample traffic, and show what came of it.
    Demo(Demo),
    /// Run gateway, metering and query in this process, for real.
    Up(ConfigFile),
    /// Check a configuration and its price books; print every mistake at once.
    Check(ConfigFile),
    /// Write a starter configuration in which every setting is explained, and its schema.
    Init(Init),
    /// Print the JSON Schema of the configuration, for editors.
    Schema,
    /// Tokens for the API.
    #[command(subcommand)]
    Token(Token),
    /// Log records.
    #[command(subcommand)]
    Logs(Logs),
    /// How much was called, by hour or day.
    Usage(Usage),
    /// The errors that the gateway answers with: causes and remedies.
    Errors(Errors),
    /// Hourly bills.
    #[command(subcommand)]
    Bills(Bills),
    /// Audit: marketplace orders, and bills counted again.
    #[command(subcommand)]
    Audit(Audit),
    /// Messages that could not become a record.
    #[command(subcommand)]
    Deadletters(Deadletters),
    /// Compute an hour's bills again, or ahead of time.
    Close(Close),
    /// Take in the records of another gateway.
    Ingest(Ingest),
    /// Run a gateway alone: it serves, and ships its records to Kafka.
    Gateway(GatewayArgs),
    /// Run metering alone: from Kafka into ClickHouse, and hours into bills.
    Metering(ConfigFile),
    /// Run the query API alone.
    Query(ConfigFile),
    /// Serve the embedded ClickHouse to the other services of this machine.
    Engine(ConfigFile),
    /// The embedded ClickHouse, as a child of this program.
    #[command(name = "engine-child", hide = true, disable_help_flag = true)]
    EngineChild(EngineArgs),
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// End after the last line instead of keeping the gateway and the API up.
    #[arg(long)]
    pub(crate) exit: bool,
    /// How many requests go through the gateway.
    #[arg(long, default_value_t = 3000, value_parser = clap::value_parser!(u32).range(200..=1_000_000))]
    pub(crate) requests: u32,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE", default_value = "tollgate.yaml")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct GatewayArgs {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Another name than the configuration's, so that gateways with data folders of their own (in
    /// containers) share one file.
    #[arg(long, env = "TOLLGATE_GATEWAY_NAME", value_name = "NAME", value_parser = gateway_name)]
    pub(crate) name: Option<String>,
    /// Serve nothing: ship what the spool of this stopped gateway holds, and say that it retires, so
    /// that no later hour waits for it.
    #[arg(long)]
    pub(crate) retire: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where to write it. A file that is there is not overwritten.
    #[arg(value_name = "FILE", default_value = "tollgate.yaml")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token. It is shown once and kept only as a hash.
    Create(TokenCreate),
}

#[derive(Debug, Args)]
pub(crate) struct TokenCreate {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// What its bearer may do.
    #[arg(long, value_name = "ROLE", value_parser = roles())]
    pub(crate) role: query::Role,
    /// The one account whose rows it reads.
    #[arg(long, value_name = "ACCOUNT", required_unless_present = "all_accounts")]
    pub(crate) account: Option<String>,
    /// It reads the rows of all accounts; each read is logged.
    #[arg(long, conflicts_with = "account")]
    pub(crate) all_accounts: bool,
    /// A name to recognise it by.
    #[arg(long, default_value = "")]
    pub(crate) name: String,
    /// When it stops working, in days from now.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub(crate) days: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Logs {
    /// Find one record by its request id (or the id that the client sent).
    Get(LogsGet),
    /// The records that a filter lets through, newest first.
    Search(LogsSearch),
    /// New records as they come, until Ctrl-C.
    Tail(LogsTail),
    /// What happened to one request, in words: whose fault, what to do, what it cost.
    Explain(LogsExplain),
}

/// Which server to ask, and as whom.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// Address of the query API; default: the running `tollgate up` of the data folder.
    #[arg(long, env = "TOLLGATE_URL", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// A bearer token; default: that of the data folder's owner.
    #[arg(long, env = "TOLLGATE_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// The data folder of a running `tollgate up`.
    #[arg(long, env = "TOLLGATE_DATA", value_name = "DIR", default_value = "data")]
    pub(crate) data: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct LogsGet {
    #[command(flatten)]
    pub(crate) server: Server,
    /// 32 hex digits, with or without hyphens; or a foreign id.
    #[arg(value_name = "REQ_ID")]
    pub(crate) req_id: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bills {
    /// One hour's bill: a line per item, region and tier.
    Show(BillsShow),
    /// Use that could not be rated, and waits for a decision.
    Held(BillsHeld),
    /// Decide about held use: the next hour that closes bills it, or leaves it be.
    Release(BillsRelease),
}

#[derive(Debug, Args)]
pub(crate) struct BillsHeld {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct BillsRelease {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// The UTC hour of the use, like 2026-11-20T14.
    #[arg(value_name = "HOUR", value_parser = hour)]
    pub(crate) hour: Hour,
    /// Whose use.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: String,
    /// Price the use of one region, as it was recorded, as that of another.
    #[arg(long, value_name = "RECORDED=PRICED")]
    pub(crate) region: Vec<String>,
    /// The price book for an hour in which none was in force, by id or SHA-256.
    #[arg(long, value_name = "BOOK")]
    pub(crate) price_book: Option<String>,
    /// Never bill it.
    #[arg(long, conflicts_with_all = ["region", "price_book"])]
    pub(crate) waive: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BillsShow {
    #[command(flatten)]
    pub(crate) server: Server,
    /// The UTC hour, like 2026-11-20T14.
    #[arg(value_name = "HOUR", value_parser = hour)]
    pub(crate) hour: Hour,
    /// The account, when the token reads more than one.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// Show the hour's proof as well.
    #[arg(long)]
    pub(crate) proof: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Deadletters {
    /// The newest ones: where they came from, and why they are no records.
    List(DeadlettersList),
    /// One of them, with its bytes.
    Show(DeadlettersShow),
    /// Try them again: after an upgrade that reads them, for instance.
    Retry(DeadlettersRetry),
}

#[derive(Debug, Args)]
pub(crate) struct DeadlettersList {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// How many at most.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=metering::LETTERS_MAX))]
    pub(crate) limit: u64,
}

#[derive(Debug, Args)]
pub(crate) struct DeadlettersShow {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Its id, as the list shows it.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

#[derive(Debug, Args)]
pub(crate) struct DeadlettersRetry {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// Their ids, as the list shows them.
    #[arg(value_name = "ID", required_unless_present = "all")]
    pub(crate) ids: Vec<String>,
    /// The newest thousand.
    #[arg(long, conflicts_with = "ids")]
    pub(crate) all: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Calls of marketplace orders, by billable reason.
    Orders(AuditOrders),
    /// A closed hour's bills, counted again from the records in ClickHouse and in Kafka.
    ///
    /// The records that belong to the hour are judged again, added up and priced, from ClickHouse
    /// and, while it keeps them, from Kafka; both are compared with the bills that stand, and with
    /// each other record by record. It says equal, or names the request ids that differ (the first
    /// hundred, and how many in all). Exit code 1 when anything differs. Nothing is written.
    Recount(AuditRecount),
}

#[derive(Debug, Args)]
pub(crate) struct AuditRecount {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// The UTC hour, like 2026-11-20T14.
    #[arg(value_name = "HOUR", value_parser = hour)]
    pub(crate) hour: Hour,
    /// Only this account's bill, and records that concern it.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditOrders {
    #[command(flatten)]
    pub(crate) server: Server,
    /// The orders.
    #[arg(value_name = "ORDER_ID", required = true)]
    pub(crate) orders: Vec<String>,
    /// From this UTC hour on.
    #[arg(long, value_name = "HOUR", value_parser = hour)]
    pub(crate) from: Option<Hour>,
    /// Up to this UTC hour, not included.
    #[arg(long, value_name = "HOUR", value_parser = hour)]
    pub(crate) to: Option<Hour>,
}

#[derive(Debug, Args)]
pub(crate) struct Close {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// The UTC hour, like 2026-11-20T14.
    #[arg(value_name = "HOUR", value_parser = hour)]
    pub(crate) hour: Hour,
    /// Write nothing; print the bills and, for a closed hour, whether they are the same bytes.
    /// (Hours are closed by `tollgate up` itself.)
    #[arg(long, required = true)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The provider's published log export, one record a line.
    Bracket,
    /// Tollgate's own records, one JSON object a line.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Ingest {
    #[command(flatten)]
    pub(crate) config: ConfigFile,
    /// The form of the file.
    #[arg(long, value_enum)]
    pub(crate) format: Format,
    /// Where the file comes from. It names the stream `ingest:SOURCE`.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) source: String,
    /// What the form has no place for: the region of the records.
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// What the form has no place for: the name of the instance.
    #[arg(long, value_name = "INSTANCE")]
    pub(crate) instance: Option<String>,
    /// What the form has no place for: the method.
    #[arg(long, value_name = "METHOD")]
    pub(crate) method: Option<String>,
    /// What the form has no place for: the caller's credential.
    #[arg(long, value_name = "SECRET_ID")]
    pub(crate) secret_id: Option<String>,
    /// What the form has no place for: the marketplace order.
    #[arg(long, value_name = "ORDER_ID")]
    pub(crate) order: Option<String>,
    /// Take it in although its span of time overlaps another file of the same source.
    #[arg(long)]
    pub(crate) force: bool,
    /// The file to read; `-` for standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct EngineArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<std::ffi::OsString>,
}

/// An hour as people write it.
fn hour(text: &str) -> Result<Hour, String> {
    text.parse().map_err(|_| "it is no hour in UTC, like 2026-11-20T14".to_owned())
}

/// As in the configuration: it stands in every record.
fn gateway_name(text: &str) -> Result<String, String> {
    match text.len() {
        1..=record::GATEWAY_MAX => Ok(text.to_owned()),
        _ => Err(format!("expected a text of 1 to {} bytes", record::GATEWAY_MAX)),
    }
}

fn roles() -> impl TypedValueParser<Value = query::Role> {
    let names = query::Role::ALL.map(query::Role::as_str);
    PossibleValuesParser::new(names)
        .map(|name| query::Role::parse(&name).expect("clap takes these names only"))
}
