//! A whole server inside the test: real listener, real store on disk, the simulated chain without blocks of its own. Whoever uses it goes
//! through the front door; [`run`] afterwards refuses a server that still owes a delivery or whose audit log does not verify.

mod client;
mod closing;
mod log;
mod setup;
mod shop;

pub(crate) use client::{Http, Reply};
pub(crate) use closing::until;
pub(crate) use log::holds;
pub(crate) use setup::{Data, Server, Setup};
pub(crate) use shop::{Receiver, field, listed};

/// Runs a test against a fresh server with the defaults of `dev`.
pub(crate) fn run(test: impl AsyncFnOnce(&Server)) {
    run_with(Setup::default(), test);
}

/// Runs a test against a fresh server with settings of its own, and closes it with all checks.
pub(crate) fn run_with(setup: Setup, test: impl AsyncFnOnce(&Server)) {
    runtime().block_on(async {
        let server = Server::start(setup, Data::new()).await;
        test(&server).await;
        server.finish().await;
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
