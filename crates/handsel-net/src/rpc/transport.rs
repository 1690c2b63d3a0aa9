//! The way to one node: HTTP to what the operator named, or the node of a simulation.

use core::fmt::Debug;

use bytes::Bytes;
use handsel_core::port::BoxFuture;

use crate::egress::{Answer, EgressError, NamedEndpoint};

/// Carries a request's text to a node and brings its answer.
pub trait Transport: Send + Sync + Debug {
    /// The node by host and port, fit for logs.
    fn label(&self) -> String;
    /// Posts a JSON body and reads a whole answer of at most `read_max` bytes.
    fn post<'a>(&'a self, body: &'a str, read_max: usize) -> BoxFuture<'a, Result<Answer, EgressError>>;
}

impl Transport for NamedEndpoint {
    fn label(&self) -> String {
        Self::label(self)
    }
    fn post<'a>(&'a self, body: &'a str, read_max: usize) -> BoxFuture<'a, Result<Answer, EgressError>> {
        Box::pin(self.post_json(Bytes::copy_from_slice(body.as_bytes()), read_max))
    }
}
