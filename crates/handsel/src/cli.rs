//! The command line as clap reads it: the verbs in one table.

use crate::verbs;
use clap::{Parser, Subcommand};

/// Handsel takes payments straight to the payee: self-hosted, non-custodial.
#[derive(Debug, Parser)]
#[command(name = "handsel", version, about, arg_required_else_help = true, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// A sandbox, ready to take a payment: no configuration, no network.
    Dev(verbs::dev::Dev),
    /// The server of a configuration.
    Serve(verbs::serve::Serve),
    /// Makes and lists accounts (the operator's).
    #[command(subcommand)]
    Accounts(verbs::accounts::Accounts),
    /// Shows where networks stand, and lets a halted one go on (the operator's).
    #[command(subcommand)]
    Networks(verbs::networks::Networks),
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
    /// Makes an event happen in the sandbox, with the real objects behind it.
    Trigger(verbs::trigger::Trigger),
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
    /// Checks of this program from outside: JSON lines in, a verdict a line out; no network, no state.
    #[command(subcommand)]
    Selftest(verbs::selftest::Selftest),
    /// Prints the completions of a shell.
    Completions { shell: clap_complete::Shell },
    /// The version of this program.
    Version {
        /// On one line of JSON.
        #[arg(long)]
        json: bool,
    },
}
