//! What a hosted page may show: no secret, no personal data of the customer.

use handsel_types::answers::{Checkout, Payment};

/// The public view of a checkout, for its page and its live status.
#[derive(Debug, Clone)]
pub struct PublicCheckout {
    pub merchant: String,
    pub support_url: Option<String>,
    /// Customer, metadata and client secret are emptied.
    pub checkout: Checkout,
    pub payments: Vec<Payment>,
    /// What is still to be sent on each option, by the option's place: decimal texts in its asset.
    pub still_due: Vec<String>,
    /// Typical seconds until a payment on each option is final, by the option's place.
    pub typical_seconds: Vec<u64>,
    /// Where a payment is seen later than usual, by the option's place.
    pub delayed: Vec<bool>,
    pub now: i64,
}
