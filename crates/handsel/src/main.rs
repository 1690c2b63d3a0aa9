//! The one binary: verbs in, exit codes out.

use clap::{Parser, Subcommand};
use handsel::exit::{Outcome, print, say};
use handsel::verbs;
use http::Method;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Handsel takes payments straight to the payee: self-hosted, non-custodial.
#[derive(Debug, Parser)]
#[command(name = "handsel", version, about, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// A sandbox, ready to take a payment: no configuration, no network.
    Dev(verbs::dev::Dev),
    /// The server of a configuration.
    Serve(verbs::serve::Serve),
    /// Makes and lists accounts (the operator's).
    #[command(subcommand)]
    Accounts(verbs::accounts::Accounts),
    /// Makes, lists, rolls and revokes API keys.
    #[command(subcommand)]
    Keys(verbs::keys::Keys),
    /// Brings events to a receiver on this machine.
    Listen(verbs::listen::Listen),
    /// Lists, shows and resends events.
    #[command(subcommand)]
    Events(verbs::events::Events),
    /// Commands of the sandbox: pay, mine, reorg, …
    Simulate(verbs::simulate::Simulate),
    /// Checks a webhook's signature and says why it fails; the body comes on stdin.
    VerifyWebhook(verbs::signatures::Verify),
    /// Prints the signature headers for a body on stdin.
    SignWebhook(verbs::signatures::Sign),
    /// Checks or exports the audit log.
    #[command(subcommand)]
    Audit(verbs::audit::Audit),
    /// Brings the database's schema up to date.
    Migrate(verbs::migrate::Migrate),
    /// Looks at everything that a server needs.
    Doctor(verbs::doctor::Doctor),
    /// GET a path of the API.
    Get(verbs::api::Call),
    /// POST to a path of the API.
    Post(verbs::api::Call),
    /// PATCH a path of the API.
    Patch(verbs::api::Call),
    /// DELETE a path of the API.
    Delete(verbs::api::Call),
    /// The version of this program.
    Version,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("HANDSEL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(format_args!("handsel: no runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(cli.verb)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(format_args!("handsel: {}", failure.message));
            ExitCode::from(failure.code as u8)
        }
    }
}

async fn run(verb: Verb) -> Outcome {
    match verb {
        Verb::Dev(dev) => verbs::dev::run(dev).await,
        Verb::Serve(serve) => verbs::serve::run(serve).await,
        Verb::Accounts(accounts) => verbs::accounts::run(accounts).await,
        Verb::Keys(keys) => verbs::keys::run(keys).await,
        Verb::Listen(listen) => verbs::listen::run(listen).await,
        Verb::Events(events) => verbs::events::run(events).await,
        Verb::Simulate(simulate) => verbs::simulate::run(simulate).await,
        Verb::VerifyWebhook(verify) => verbs::signatures::verify(&verify),
        Verb::SignWebhook(sign) => verbs::signatures::sign(&sign),
        Verb::Audit(audit) => verbs::audit::run(audit).await,
        Verb::Migrate(migrate) => verbs::migrate::run(migrate).await,
        Verb::Doctor(doctor) => verbs::doctor::run(doctor).await,
        Verb::Get(call) => verbs::api::run(Method::GET, call).await,
        Verb::Post(call) => verbs::api::run(Method::POST, call).await,
        Verb::Patch(call) => verbs::api::run(Method::PATCH, call).await,
        Verb::Delete(call) => verbs::api::run(Method::DELETE, call).await,
        Verb::Version => {
            print(format_args!("handsel {}", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
    }
}
