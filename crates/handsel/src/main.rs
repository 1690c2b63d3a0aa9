//! The one binary: verbs in, exit codes out.

use clap::{CommandFactory, Parser};
use handsel::cli::{Cli, Verb};
use handsel::exit::{Outcome, print, say};
use handsel::verbs;
use http::Method;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
        Verb::Networks(networks) => verbs::networks::run(networks).await,
        Verb::Keys(keys) => verbs::keys::run(keys).await,
        Verb::Listen(listen) => verbs::listen::run(listen).await,
        Verb::Events(events) => verbs::events::run(events).await,
        Verb::Simulate(simulate) => verbs::simulate::run(simulate).await,
        Verb::Trigger(trigger) => verbs::trigger::run(trigger).await,
        Verb::VerifyWebhook(verify) => verbs::signatures::verify(&verify),
        Verb::SignWebhook(sign) => verbs::signatures::sign(&sign),
        Verb::Audit(audit) => verbs::audit::run(audit).await,
        Verb::Migrate(migrate) => verbs::migrate::run(migrate).await,
        Verb::Doctor(doctor) => verbs::doctor::run(doctor).await,
        Verb::Get(call) => verbs::api::run(Method::GET, call).await,
        Verb::Post(call) => verbs::api::run(Method::POST, call).await,
        Verb::Patch(call) => verbs::api::run(Method::PATCH, call).await,
        Verb::Delete(call) => verbs::api::run(Method::DELETE, call).await,
        Verb::Selftest(selftest) => verbs::selftest::run(selftest),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "handsel", &mut script);
            print(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
        Verb::Version { json } => {
            let version = env!("CARGO_PKG_VERSION");
            if json {
                print(serde_json::json!({"version": version}))
            } else {
                print(format_args!("handsel {version}"))
            }
            Ok(())
        }
    }
}
