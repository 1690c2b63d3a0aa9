//! Inbound HTTP: parse, make one engine call, answer with its bytes. Never SQL, never the writer, never a business decision.
//!
//! [`router::router`] is the whole service (also for `oneshot` in tests), [`server::serve`] runs it on a listener,
//! [`router::ROUTES`] is the table that both follow.

mod answer;
mod api;
mod app;
mod client;
pub mod extract;
mod gate;
mod headers;
mod limit;
pub mod openapi;
mod pages;
pub mod problem;
pub mod route;
pub mod router;
pub mod server;
mod sse;
pub mod stop;

pub use app::{App, Options};
pub use client::Peer;
pub use router::{ROUTES, router};
pub use server::{Bounds, Listener, serve, tls_config};
pub use stop::{Stop, Stopper, stop_pair};
