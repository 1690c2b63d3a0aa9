//! Which addresses and which web URLs the outbound side may use.
//!
//! Both parts are pure: they look at a text or at an address and answer. Names are resolved elsewhere; the answers come back here
//! to be judged. This module must never resolve, connect or log.

pub mod address;
pub mod weburl;

pub use address::{AddressClass, AddressPolicy, Judgement, PolicyError, Verdict};
pub use weburl::{UrlKind, UrlPolicy, UrlRefusal, WebUrl};
