//! The one closed list of errors that the API speaks of (02 "Error codes"). Inner text never gets in here.

use handsel_core::actor::Scope;
use std::borrow::Cow;

macro_rules! codes {
    ($($variant:ident = $name:literal, $status:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $($variant),* }
        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            pub const fn name(self) -> &'static str { match self { $(Self::$variant => $name),* } }
            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 { match self { $(Self::$variant => $status),* } }
        }
    };
}

codes! {
    ParameterMissing = "parameter_missing", 400; ParameterInvalid = "parameter_invalid", 400;
    ParameterUnknown = "parameter_unknown", 400; WrongIdType = "wrong_id_type", 400; JsonInvalid = "json_invalid", 400;
    ApiKeyLeaked = "api_key_leaked", 400; IdempotencyKeyRequired = "idempotency_key_required", 400;
    AuthenticationRequired = "authentication_required", 401; ApiKeyInvalid = "api_key_invalid", 401;
    ApiKeyRevoked = "api_key_revoked", 401; ApiKeyExpired = "api_key_expired", 401;
    ApiKeyWrongMode = "api_key_wrong_mode", 401; SessionExpired = "session_expired", 401;
    PermissionDenied = "permission_denied", 403; IpNotAllowed = "ip_not_allowed", 403;
    OriginNotAllowed = "origin_not_allowed", 403;
    ResourceMissing = "resource_missing", 404; RouteMissing = "route_missing", 404;
    PayeeNotResolvable = "payee_not_resolvable", 404; MethodNotAllowed = "method_not_allowed", 405;
    StateConflict = "state_conflict", 409; CheckoutProcessing = "checkout_processing", 409;
    IdempotencyInProgress = "idempotency_in_progress", 409; VersionMismatch = "version_mismatch", 412;
    BodyTooLarge = "body_too_large", 413; ContentTypeUnsupported = "content_type_unsupported", 415;
    AmountBelowMinimum = "amount_below_minimum", 422; AmountAboveMaximum = "amount_above_maximum", 422;
    CurrencyUnsupported = "currency_unsupported", 422; NetworkUnavailable = "network_unavailable", 422;
    NoPaymentOption = "no_payment_option", 422; UrlNotAllowed = "url_not_allowed", 422;
    AddressInvalid = "address_invalid", 422; PrivateKeyRefused = "private_key_refused", 422;
    SignatureInvalid = "signature_invalid", 422; RefundExceedsPayment = "refund_exceeds_payment", 422;
    IdempotencyKeyReused = "idempotency_key_reused", 422;
    RateLimited = "rate_limited", 429; QueueFull = "queue_full", 429; Internal = "internal", 500;
    DependencyUnavailable = "dependency_unavailable", 503; Overloaded = "overloaded", 503; StorageFull = "storage_full", 507;
}

/// Why the engine would not do it, in words for the asker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    /// The member that is wrong, as a JSON pointer (`/amount`) or a query parameter's name.
    pub param: Option<String>,
    /// One sentence: what is wrong and what would be right.
    pub detail: Cow<'static, str>,
    /// What to do next, where that isn't the same sentence.
    pub hint: Option<Cow<'static, str>>,
    pub retry_after_seconds: Option<u64>,
}

impl Refusal {
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, param: None, detail: detail.into(), hint: None, retry_after_seconds: None }
    }
    #[must_use]
    pub fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }
    /// The same member seen from further out: `/amount` under `/override` is `/override/amount`.
    #[must_use]
    pub fn under(mut self, root: &str) -> Self {
        self.param = self.param.map(|param| if param.starts_with('/') { format!("{root}{param}") } else { param });
        self
    }
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    /// 404 for an object that isn't there or isn't the asker's: the same words for both.
    pub fn missing(noun: &str) -> Self {
        Self::new(Code::ResourceMissing, format!("there is no such {noun}"))
    }
    pub fn denied(scope: Scope) -> Self {
        Self::new(Code::PermissionDenied, format!("this key lacks the scope {scope}"))
            .hint(format!("create a restricted key that has {scope}, or use a secret key"))
    }
    /// Something inside broke; what it was is in the log, under the request's id.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "something went wrong on our side; the request's id finds it in the log")
    }
}
