//! A whole server inside the test: real listener, real store, the simulated chain without blocks of its own. Whoever uses it goes
//! through the front door; [`run`] afterwards refuses a server that still owes a delivery or whose audit log does not verify.

mod chance;
mod client;
mod closing;
mod data;
mod log;
#[cfg(feature = "postgres")]
mod postgres;
mod setup;
mod shop;

pub(crate) use chance::{Chance, seed, told};
pub(crate) use client::{Http, Reply};
pub(crate) use closing::until;
pub(crate) use data::{Base, Data, directory};
pub(crate) use log::holds;
pub(crate) use setup::{Server, Setup};
pub(crate) use shop::{Receiver, field, listed};

/// Each story as a test of its own on either engine; those of PostgreSQL are told where HANDSEL_TEST_PG names a server. `$run` gives
/// a story what it takes: [`run_on`] a server, [`data_on`] a place for servers.
macro_rules! on_each_engine {
    ($run:ident: $($story:ident),+ $(,)?) => {
        mod sqlite {$(
            #[test]
            fn $story() {
                crate::harness::$run(crate::harness::Base::Sqlite, super::$story);
            }
        )+}
        #[cfg(feature = "postgres")]
        mod postgres {$(
            #[test]
            fn $story() {
                crate::harness::$run(crate::harness::Base::Postgres, super::$story);
            }
        )+}
    };
}
pub(crate) use on_each_engine;

/// Runs a test against a fresh server with the defaults of `dev`.
pub(crate) fn run(test: impl AsyncFnOnce(&Server)) {
    run_on(Base::Sqlite, test);
}

/// The same with settings of its own.
pub(crate) fn run_with(setup: Setup, test: impl AsyncFnOnce(&Server)) {
    data_on(Base::Sqlite, async |data| whole(setup, data, test).await);
}

/// The same on one of the engines.
pub(crate) fn run_on(base: Base, test: impl AsyncFnOnce(&Server)) {
    data_on(base, async |data| whole(Setup::default(), data, test).await);
}

/// For who starts servers and ends them.
pub(crate) fn data_on(base: Base, test: impl AsyncFnOnce(Data)) {
    runtime().block_on(async {
        if let Some(data) = Data::on(base).await {
            test(data).await;
        }
    });
}

/// A server from its start to its end with all checks.
async fn whole(setup: Setup, data: Data, test: impl AsyncFnOnce(&Server)) {
    let server = Server::start(setup, data).await;
    test(&server).await;
    server.finish().await;
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
