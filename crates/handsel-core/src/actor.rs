//! Who asks, and the proof of what they may do.

use crate::api_key::Class;
use crate::id::{AccountId, ApiKeyId, RequestId};
use core::fmt;

/// A resource that scopes speak of (02).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    Checkouts,
    Payments,
    Refunds,
    Subscriptions,
    Invoices,
    Customers,
    Webhooks,
    Events,
    Wallets,
    Aliases,
    Consents,
    Resolutions,
    Transfers,
    Kyb,
    Audit,
    Exports,
    Keys,
    Account,
    Incidents,
    Test,
}

impl Resource {
    pub const ALL: [Self; 20] = [
        Self::Checkouts,
        Self::Payments,
        Self::Refunds,
        Self::Subscriptions,
        Self::Invoices,
        Self::Customers,
        Self::Webhooks,
        Self::Events,
        Self::Wallets,
        Self::Aliases,
        Self::Consents,
        Self::Resolutions,
        Self::Transfers,
        Self::Kyb,
        Self::Audit,
        Self::Exports,
        Self::Keys,
        Self::Account,
        Self::Incidents,
        Self::Test,
    ];
    pub const fn name(self) -> &'static str {
        match self {
            Self::Checkouts => "checkouts",
            Self::Payments => "payments",
            Self::Refunds => "refunds",
            Self::Subscriptions => "subscriptions",
            Self::Invoices => "invoices",
            Self::Customers => "customers",
            Self::Webhooks => "webhooks",
            Self::Events => "events",
            Self::Wallets => "wallets",
            Self::Aliases => "aliases",
            Self::Consents => "consents",
            Self::Resolutions => "resolutions",
            Self::Transfers => "transfers",
            Self::Kyb => "kyb",
            Self::Audit => "audit",
            Self::Exports => "exports",
            Self::Keys => "keys",
            Self::Account => "account",
            Self::Incidents => "incidents",
            Self::Test => "test",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Access {
    Read,
    Write,
}

/// `<resource>:read|write`. Write does not imply read: a key is given what it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    pub resource: Resource,
    pub access: Access,
}

impl Scope {
    pub const fn read(resource: Resource) -> Self {
        Self { resource, access: Access::Read }
    }
    pub const fn write(resource: Resource) -> Self {
        Self { resource, access: Access::Write }
    }
    /// Parses one scope name; `webhook_endpoints:rw` stands for both webhooks scopes.
    pub fn parse(text: &str) -> Option<Vec<Self>> {
        if text == "webhook_endpoints:rw" {
            return Some(vec![Self::read(Resource::Webhooks), Self::write(Resource::Webhooks)]);
        }
        let (resource, access) = text.split_once(':')?;
        let resource = Resource::ALL.into_iter().find(|r| r.name() == resource)?;
        match access {
            "read" => Some(vec![Self::read(resource)]),
            "write" => Some(vec![Self::write(resource)]),
            _ => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let access = match self.access {
            Access::Read => "read",
            Access::Write => "write",
        };
        write!(f, "{}:{access}", self.resource.name())
    }
}

/// Who did it, as the audit log names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A holder of an API key.
    Key(ApiKeyId),
    /// The operator at the machine's own console.
    Operator,
    /// Handsel itself: the watcher, a timer, the sender.
    System,
    /// A payer on a hosted page.
    Payer,
    /// Somebody whom nothing proved to be anybody.
    Anonymous,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => write!(f, "{id}"),
            Self::Operator => f.write_str("operator"),
            Self::System => f.write_str("system"),
            Self::Payer => f.write_str("payer"),
            Self::Anonymous => f.write_str("anonymous"),
        }
    }
}

/// Proof that somebody was authenticated for an account and may use a scope. Made by `engine::authorize` alone (its
/// constructor checks the scope); everything that acts for an account asks for one instead of an id.
#[derive(Debug, Clone)]
pub struct Grant {
    account: AccountId,
    actor: Actor,
    class: Class,
    scopes: Vec<Scope>,
    request: RequestId,
}

/// The scope that was missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied(pub Scope);

impl Grant {
    /// Checks `needed` against `scopes` (a secret key has them all) and gives the proof.
    pub fn check(
        account: AccountId,
        actor: Actor,
        class: Class,
        scopes: &[Scope],
        needed: Scope,
        request: RequestId,
    ) -> Result<Self, Denied> {
        let allowed = match class {
            Class::Secret => true,
            Class::Restricted | Class::Publishable => scopes.contains(&needed),
        };
        if !allowed {
            return Err(Denied(needed));
        }
        Ok(Self { account, actor, class, scopes: scopes.to_vec(), request })
    }
    pub const fn account(&self) -> AccountId {
        self.account
    }
    pub const fn actor(&self) -> Actor {
        self.actor
    }
    pub const fn request(&self) -> RequestId {
        self.request
    }
    /// True where the holder may also use `scope`: a key can't grant what it lacks.
    pub fn holds(&self, scope: Scope) -> bool {
        self.class == Class::Secret || self.scopes.contains(&scope)
    }
}
