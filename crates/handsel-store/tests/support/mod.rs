//! Objects for the stories, each with every member set to something that a lost column would show.

use handsel_core::account::{Accept, Account, Region, Status, Tier};
use handsel_core::actor::{Actor, Resource, Scope};
use handsel_core::api_key::{self, ApiKey, Class, LastUsed};
use handsel_core::audit::Leaf;
use handsel_core::chain::{self, Address, BlockHash, Header, TxHash};
use handsel_core::change::{AuditEntry, Change, CursorMove, IdempotentAnswer, RequestRow};
use handsel_core::checkout::{
    Checkout, Credit, Exception, ExceptionKind, LatePolicy, Lock, Matching, PaymentOption, Quoted, Rate, Standing,
    State, Terms,
};
use handsel_core::event::{Kind, NewEvent};
use handsel_core::id::*;
use handsel_core::money::{Currency, Money};
use handsel_core::payment::{self, Inclusion, Outcome, Payment};
use handsel_core::secret::Sealed;
use handsel_core::time::Timestamp;
use handsel_core::wallet::{self, Destination, Wallet};
use handsel_core::webhook::{self, Ordering, Payload, SignatureForm, SigningSecret, Webhook};
use std::sync::atomic::{AtomicU64, Ordering as Memory};

pub(crate) const NOW: i64 = 1_764_000_000_000;
pub(crate) const NETWORK: &str = "sandbox-evm";

pub(crate) fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW + millis)
}

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Bits that no other object of this run has, growing.
pub(crate) fn bits() -> u128 {
    (u128::from(std::process::id()) << 64) | u128::from(NEXT.fetch_add(1, Memory::Relaxed))
}

fn pairs() -> Vec<(String, String)> {
    vec![("order".to_owned(), "6\"73".to_owned()), ("é".to_owned(), String::new())]
}

pub(crate) fn account() -> Account {
    Account {
        id: AccountId::from_bits(bits()),
        created: at(0),
        version: 1,
        name: "Bäckerei".to_owned(),
        email: "a@example.com".to_owned(),
        region: Region::Eu,
        tier: Tier::Scale,
        status: Status::Active,
        default_accept: vec![Accept { network: NETWORK.to_owned(), asset: "USDT".to_owned() }],
        branding: pairs(),
        support_url: Some("https://example.com/help".to_owned()),
        metadata: pairs(),
        data_key: Sealed(vec![0, 1, 2, 255]),
    }
}

pub(crate) fn api_key(account: AccountId) -> ApiKey {
    let id = bits();
    ApiKey {
        id: ApiKeyId::from_bits(id),
        account,
        created: at(1),
        version: 1,
        name: "server".to_owned(),
        class: Class::Restricted,
        live: false,
        public_id: format!("{:0>15}", id & 0xffff_ffff),
        verifier: "$argon2id$v=19$…".to_owned(),
        prefix: "rk_test_1".to_owned(),
        scopes: vec![Scope::read(Resource::Checkouts), Scope::write(Resource::Webhooks)],
        allowed_ips: vec!["10.0.0.0/8".to_owned()],
        allowed_origins: vec!["https://example.com".to_owned()],
        rotate_by: at(99),
        expires_at: Some(at(100)),
        last_used: Some(LastUsed { at: at(3), ip: "10.0.0.1".to_owned() }),
        state: api_key::State::Active,
        metadata: pairs(),
    }
}

pub(crate) fn wallet(account: AccountId) -> Wallet {
    Wallet {
        id: WalletId::from_bits(bits()),
        account,
        created: at(2),
        version: 1,
        kind: chain::Kind::Evm,
        destination: Destination::Xpub {
            xpub: Sealed(vec![9; 40]),
            fingerprint: "deadbeef".to_owned(),
            proof_address: Address([3; 20]),
        },
        networks: vec![NETWORK.to_owned()],
        assets: vec!["USDT".to_owned()],
        challenge: "sign\nthis".to_owned(),
        proved_at: Some(at(5)),
        state: wallet::State::Active { from: at(6) },
        mac: [7; 32],
        metadata: pairs(),
    }
}

pub(crate) fn option(tag: u128) -> PaymentOption {
    PaymentOption {
        network: NETWORK.to_owned(),
        kind: chain::Kind::Evm,
        chain_id: 31_337,
        asset: "USDT".to_owned(),
        token: Address([1; 20]),
        decimals: 6,
        address: Address([2; 20]),
        wallet: WalletId::from_bits(u128::MAX),
        derivation: None,
        due: u128::MAX,
        tag,
        rate: Rate { numerator: 10_000, denominator: 1 },
        quoted: Some(quoted(2)),
        earlier: vec![Lock { due: 7, tag, rate: Rate { numerator: 1, denominator: 3 }, quoted: Some(quoted(1)) }],
        mac: [8; 32],
    }
}

fn quoted(n: u8) -> Quoted {
    let at = |seconds: i64| Timestamp::from_seconds(1_700_000_000 + i64::from(n) * 900 + seconds);
    Quoted { quote: QuoteId::from_bits(n.into()), from: at(0), until: at(900), priced_micro: u128::MAX - u128::from(n) }
}

pub(crate) fn checkout(account: AccountId) -> Checkout {
    Checkout {
        id: CheckoutId::from_bits(bits()),
        account,
        created: at(10),
        version: 1,
        price: Money { minor: 1999, currency: Currency::parse("USD").unwrap() },
        terms: Terms {
            expires_at: at(3_600_000),
            grace_seconds: 120,
            tolerance_bps: 5,
            tolerance_max_minor: 500,
            over_dust_minor: 1,
            late_policy: LatePolicy::Requote,
            matching: Matching::Auto,
        },
        private: Sealed(b"sealed".to_vec()),
        lookups: vec![[1; 32], [2; 32]],
        options: vec![PaymentOption { derivation: Some(4), address: Address([4; 20]), ..option(0) }],
        state: State::Open,
        credits: vec![
            Credit {
                payment: PaymentId::from_bits(u128::MAX),
                option: Some(0),
                amount: u128::MAX,
                block_time: at(20),
                standing: Standing::Settled { outcome: Outcome::Under, applied: 1, value_micro: u128::MAX },
            },
            Credit {
                payment: PaymentId::from_bits(2),
                option: None,
                amount: 3,
                block_time: at(21),
                standing: Standing::Pending,
            },
            Credit {
                payment: PaymentId::from_bits(3),
                option: None,
                amount: 3,
                block_time: at(21),
                standing: Standing::Settled { outcome: Outcome::Reversed, applied: 0, value_micro: 0 },
            },
            Credit {
                payment: PaymentId::from_bits(4),
                option: None,
                amount: 3,
                block_time: at(21),
                standing: Standing::Reversed,
            },
        ],
        exceptions: vec![Exception {
            kind: ExceptionKind::Underpaid,
            amount: 5,
            payment: Some(PaymentId::from_bits(2)),
            created: at(30),
        }],
        written_off: 7,
    }
}

/// A checkout at a static address, told apart by `tag`.
pub(crate) fn static_checkout(account: AccountId, tag: u128) -> Checkout {
    Checkout { options: vec![option(tag)], ..checkout(account) }
}

pub(crate) fn payment(account: AccountId, checkout: CheckoutId) -> Payment {
    let id = bits();
    let mut tx = [0; 32];
    tx[..16].copy_from_slice(&id.to_be_bytes());
    Payment {
        id: PaymentId::from_bits(id),
        account,
        created: at(40),
        version: 1,
        checkout: Some(checkout),
        option: Some(0),
        network: NETWORK.to_owned(),
        kind: chain::Kind::Evm,
        chain_id: 31_337,
        asset: "USDT".to_owned(),
        token: Address([1; 20]),
        decimals: 6,
        amount: u128::MAX - 1,
        tx: TxHash(tx),
        tx_position: 2,
        from: Address([5; 20]),
        to: Address([2; 20]),
        applied: 1,
        value_micro: 2,
        required_confirmations: 12,
        required_seconds: 10,
        requires_finalized: true,
        outcome: Some(Outcome::WithinTolerance),
        state: payment::State::Succeeded {
            block: Inclusion { hash: BlockHash([6; 32]), number: 5, time: at(41), log_index: u64::MAX },
            at: at(50),
            finalized: false,
        },
        rate: Some(payment::CountedAt {
            rate: Rate { numerator: u128::MAX, denominator: 3 },
            currency: Currency::parse("EUR").unwrap(),
            quote: Some(QuoteId::from_bits(7)),
        }),
        detected_at: at(39),
        metadata: pairs(),
    }
}

pub(crate) fn webhook(account: AccountId, patterns: &[&str]) -> Webhook {
    Webhook {
        id: WebhookId::from_bits(bits()),
        account,
        created: at(3),
        version: 1,
        url: Sealed(b"https".to_vec()),
        host: "example.com".to_owned(),
        enabled_events: patterns.iter().map(|p| (*p).to_owned()).collect(),
        description: Some("mine".to_owned()),
        payload: Payload::Thin,
        signatures: vec![SignatureForm::Handsel, SignatureForm::Sha256Body],
        ordering: Ordering::PerObject,
        retry: webhook::Retry { schedule_seconds: vec![5, 60] },
        status: webhook::Status::Enabled,
        secrets: vec![SigningSecret {
            sealed: Sealed(vec![0, 200, 255]),
            prefix: "whsec_AbCd".to_owned(),
            created: at(3),
            until: Some(at(4)),
        }],
        failing_since: Some(at(2)),
        metadata: pairs(),
    }
}

pub(crate) fn event(account: AccountId, kind: Kind, object: &str) -> NewEvent {
    NewEvent {
        id: EventId::from_bits(bits()),
        account,
        kind,
        created: at(60),
        object: object.to_owned(),
        object_version: 3,
        request: Some(RequestId::from_bits(bits())),
        body: Sealed(b"{\"id\":1}".to_vec()),
        only_to: None,
    }
}

pub(crate) fn entry(account: Option<AccountId>) -> AuditEntry {
    AuditEntry {
        id: AuditId::from_bits(bits()),
        account,
        leaf: Leaf {
            time: at(70),
            live: false,
            region: "eu",
            actor: Actor::Key(ApiKeyId::from_bits(bits())),
            action: "checkout.create".to_owned(),
            object: Some("chk_1".to_owned()),
            account,
            request: Some(RequestId::from_bits(bits())),
            result: "ok".to_owned(),
            detail: Some([4; 32]),
        },
    }
}

pub(crate) fn answer(account: AccountId, key: u8) -> IdempotentAnswer {
    IdempotentAnswer {
        account,
        route: "POST /v1/checkouts".to_owned(),
        key_hash: [key; 32],
        fingerprint: [9; 32],
        status: 201,
        answer: Sealed(b"body".to_vec()),
        created: at(80),
    }
}

pub(crate) fn request_row(account: AccountId) -> RequestRow {
    RequestRow {
        id: RequestId::from_bits(bits()),
        account,
        created: at(81),
        method: "POST".to_owned(),
        route: "/v1/checkouts".to_owned(),
        status: 402,
        code: Some("nope".to_owned()),
        key: Some(ApiKeyId::from_bits(bits())),
        duration_ms: 12,
        ip_prefix: "10.0.0.0/24".to_owned(),
    }
}

pub(crate) fn header(number: u64, fork: u8) -> Header {
    let hash = |n: u64, fork: u8| {
        let mut bytes = [fork; 32];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        BlockHash(bytes)
    };
    Header {
        number,
        hash: hash(number, fork),
        parent: hash(number.wrapping_sub(1), fork),
        time_seconds: 1_700 + number,
    }
}

pub(crate) fn cursor(expected: Option<BlockHash>, tip: Header) -> CursorMove {
    CursorMove {
        network: NETWORK.to_owned(),
        expected_tip: expected,
        tip,
        finalized: tip.number.saturating_sub(2),
        added: vec![tip],
        orphaned: Vec::new(),
        halted: false,
        resumes: false,
        at: at(90),
    }
}

/// A whole creation: the object, its event, its audit entry.
pub(crate) fn creation(checkout: Checkout) -> Change {
    use handsel_core::change::Write;
    Change {
        events: vec![event(checkout.account, Kind::CheckoutCreated, &checkout.id.to_string())],
        audit: vec![entry(Some(checkout.account))],
        writes: vec![Write::InsertCheckout(checkout)],
        ..Change::default()
    }
}
