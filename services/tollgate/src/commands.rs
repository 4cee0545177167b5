//! One file per group of commands; here is who does what, and on which runtime.

pub(crate) mod audit;
pub(crate) mod bills;
mod check;
mod close;
mod deadletters;
mod errors;
mod held;
mod ingest;
pub(crate) mod logs;
mod recount;
mod token;
mod up;
mod usage;

use std::process::ExitCode;

use anyhow::Context;
use tokio::runtime::Runtime;

use crate::cli::{Audit, Bills, Cli, Command, ConfigFile, GatewayArgs, Token};
use crate::config::{self, Config};
pub(crate) use ingest::store as store_file;
pub(crate) use up::{Signals, end};

use crate::{EXIT_CONFIG, Hooks, demo, roles, telemetry};

/// Does what the command line says.
pub(crate) fn run(cli: Cli, hooks: Hooks) -> anyhow::Result<ExitCode> {
    let output = cli.output;
    match cli.command {
        // No log and no runtime before it: the engine brings its own.
        Command::EngineChild(args) => Ok(ExitCode::from(engine::child_main(args.args))),
        Command::Check(args) => check::check(&args),
        Command::Init(args) => check::init(&args),
        Command::Schema => check::schema(),
        Command::Demo(args) => {
            telemetry::start("warn");
            runtime()?.block_on(demo::run(&args, output))
        }
        Command::Up(args) => {
            telemetry::start("info");
            with_config(&args, |config| runtime()?.block_on(up::up(config, hooks)))
        }
        Command::Gateway(args) => gateway(&args, hooks),
        Command::Metering(args) => serve(&args, |config| roles::metering::run(config, hooks)),
        Command::Query(args) => serve(&args, roles::query::run),
        Command::Engine(args) => serve(&args, roles::engine::run),
        Command::Token(Token::Create(args)) => {
            telemetry::start("warn");
            with_config(&args.config, |config| {
                runtime()?.block_on(token::create(config, &args, output))
            })
        }
        Command::Logs(args) => runtime()?.block_on(logs::run(&args, output)),
        Command::Usage(args) => runtime()?.block_on(usage::usage(&args, output)),
        Command::Errors(args) => errors::errors(&args, output),
        Command::Bills(Bills::Show(args)) => runtime()?.block_on(bills::show(&args, output)),
        Command::Bills(Bills::Held(args)) => {
            telemetry::start("warn");
            with_config(&args.config, |config| {
                runtime()?.block_on(held::held(config, &args, output))
            })
        }
        Command::Bills(Bills::Release(args)) => {
            telemetry::start("warn");
            with_config(&args.config, |config| {
                runtime()?.block_on(held::release(config, &args, output))
            })
        }
        Command::Audit(Audit::Orders(args)) => runtime()?.block_on(audit::orders(&args, output)),
        Command::Audit(Audit::Recount(args)) => {
            telemetry::start("warn");
            with_config(&args.config, |config| {
                runtime()?.block_on(recount::recount(config, &args, output))
            })
        }
        Command::Deadletters(args) => {
            telemetry::start("warn");
            with_config(args.config(), |config| {
                runtime()?.block_on(deadletters::run(config, &args, output))
            })
        }
        Command::Close(args) => {
            telemetry::start("warn");
            with_config(&args.config, |config| {
                runtime()?.block_on(close::dry_run(config, &args, output))
            })
        }
        Command::Ingest(args) => {
            telemetry::start("warn");
            with_config(&args.config, |config| {
                runtime()?.block_on(ingest::ingest(config, &args, output))
            })
        }
    }
}

fn gateway(args: &GatewayArgs, hooks: Hooks) -> anyhow::Result<ExitCode> {
    serve(&args.config, async |mut config| {
        if let Some(name) = &args.name {
            config.name_gateway(name);
        }
        match args.retire {
            true => roles::gateway::retire(config, hooks).await,
            false => roles::gateway::run(config, hooks).await,
        }
    })
}

/// Runs a service of its own.
fn serve<F: Future<Output = anyhow::Result<ExitCode>>>(
    file: &ConfigFile,
    role: impl FnOnce(Config) -> F,
) -> anyhow::Result<ExitCode> {
    telemetry::start("info");
    with_config(file, |config| runtime()?.block_on(role(config)))
}

/// Goes on with a good configuration; a bad one prints every mistake and exits with 64.
fn with_config(
    file: &ConfigFile,
    go_on: impl FnOnce(Config) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    match config::load(&file.config) {
        Ok(config) => go_on(config),
        Err(mistakes) => {
            eprintln!("{mistakes}");
            Ok(ExitCode::from(EXIT_CONFIG))
        }
    }
}

/// Metering and query share it; gateways have runtimes of their own.
fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the machine is short of threads or descriptors")
}
