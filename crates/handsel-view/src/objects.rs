//! The objects of the API.

use crate::private::Private;
use crate::{Scene, names};
use handsel_core::account::Account;
use handsel_core::api_key::ApiKey;
use handsel_core::chain::{Address, Kind};
use handsel_core::checkout::{Checkout, Exception, ExceptionKind, PaymentOption};
use handsel_core::id::PaymentId;
use handsel_core::money::format_decimal;
use handsel_core::payment::{Inclusion, Payment, State as PaymentState};
use handsel_core::secret::SecretText;
use handsel_core::wallet::{Destination, State as WalletState, Wallet};
use handsel_core::webhook::Webhook;
use handsel_types::answers as t;

fn metadata(pairs: &[(String, String)]) -> t::Metadata {
    pairs.iter().cloned().collect()
}

pub fn account(scene: Scene<'_>, account: &Account) -> t::Account {
    let accept = |a: &handsel_core::account::Accept| t::Accept { network: a.network.clone(), asset: a.asset.clone() };
    t::Account {
        id: account.id.to_string(),
        object: "account".to_owned(),
        livemode: scene.livemode,
        created: account.created.seconds(),
        version: account.version,
        name: account.name.clone(),
        email: account.email.clone(),
        region: names::region(&account.region).to_owned(),
        tier: names::tier(&account.tier).to_owned(),
        status: names::account_status(&account.status).to_owned(),
        default_accept: account.default_accept.iter().map(accept).collect(),
        branding: metadata(&account.branding),
        support_url: account.support_url.clone(),
        metadata: metadata(&account.metadata),
    }
}

/// `secret` is given by the answer that makes the key, and by no other.
pub fn api_key(scene: Scene<'_>, key: &ApiKey, secret: Option<&SecretText>) -> t::ApiKey {
    t::ApiKey {
        id: key.id.to_string(),
        object: "api_key".to_owned(),
        livemode: scene.livemode,
        created: key.created.seconds(),
        version: key.version,
        name: key.name.clone(),
        class: names::class(&key.class).to_owned(),
        scopes: key.scopes.iter().map(ToString::to_string).collect(),
        allowed_ips: key.allowed_ips.clone(),
        allowed_origins: key.allowed_origins.clone(),
        prefix: key.prefix.clone(),
        secret: secret.map(|s| s.expose().to_owned()),
        rotate_by: key.rotate_by.seconds(),
        expires_at: key.expires_at.map(|at| at.seconds()),
        last_used: key.last_used.as_ref().map(|used| t::LastUsed { at: used.at.seconds(), ip: used.ip.clone() }),
        status: names::key_status(&key.state).to_owned(),
        metadata: metadata(&key.metadata),
    }
}

pub fn wallet(scene: Scene<'_>, wallet: &Wallet) -> t::Wallet {
    let text = |address: &Address| wallet.kind.address_text(*address);
    let (mode, destination) = match &wallet.destination {
        Destination::Static { address } => (
            "static",
            t::ChainWallet {
                address: Some(text(address)),
                xpub_fingerprint: None,
                proof_address: text(address),
                addresses: None,
            },
        ),
        Destination::Xpub { fingerprint, proof_address, .. } => (
            "xpub",
            t::ChainWallet {
                address: None,
                xpub_fingerprint: Some(fingerprint.clone()),
                proof_address: text(proof_address),
                addresses: None,
            },
        ),
    };
    let (evm, tron) = by_kind(wallet.kind, destination);
    let active_from = match wallet.state {
        WalletState::Active { from } => Some(from.seconds()),
        _ => None,
    };
    t::Wallet {
        id: wallet.id.to_string(),
        object: "wallet".to_owned(),
        livemode: scene.livemode,
        created: wallet.created.seconds(),
        version: wallet.version,
        kind: wallet.kind.name().to_owned(),
        mode: mode.to_owned(),
        networks: wallet.networks.clone(),
        assets: wallet.assets.clone(),
        evm,
        tron,
        open_payments: None,
        bank: None,
        challenge: wallet.challenge.clone(),
        proved_at: wallet.proved_at.map(|at| at.seconds()),
        status: names::wallet_status(&wallet.state).to_owned(),
        active_from,
        metadata: metadata(&wallet.metadata),
    }
}

/// What a checkout's JSON is made of beside the checkout itself.
#[derive(Debug, Clone)]
pub struct CheckoutParts<'a> {
    pub private: &'a Private,
    /// The hosted page's full URL, MAC included.
    pub url: String,
    pub client_secret: String,
    pub payments: Vec<t::IdOr<t::Payment>>,
    pub timeline: Vec<t::TimelineEntry>,
    /// Decimals of the asset of each payment that an exception may name.
    pub payment_decimals: &'a [(PaymentId, u8)],
}

pub fn checkout(scene: Scene<'_>, checkout: &Checkout, parts: CheckoutParts<'_>) -> t::Checkout {
    let currency = checkout.price.currency;
    let money = |minor: u128| t::Money {
        amount: format_decimal(minor, currency.exponent()),
        currency: currency.code().to_owned(),
    };
    let CheckoutParts { private, url, client_secret, payments, timeline, payment_decimals } = parts;
    let exceptions = checkout.exceptions.iter().map(|e| exception(e, currency.exponent(), payment_decimals));
    let items = private.line_items.iter().map(|i| t::LineItem {
        name: i.name.clone(),
        quantity: i.quantity,
        amount: i.amount.clone(),
    });
    t::Checkout {
        id: checkout.id.to_string(),
        object: "checkout".to_owned(),
        livemode: scene.livemode,
        created: checkout.created.seconds(),
        version: checkout.version,
        amount: format_decimal(checkout.price.minor, currency.exponent()),
        currency: currency.code().to_owned(),
        status: names::checkout_status(&checkout.state).to_owned(),
        payment_status: names::payment_status(&checkout.payment_status()).to_owned(),
        exceptions: exceptions.collect(),
        url,
        client_secret,
        expires_at: checkout.terms.expires_at.seconds(),
        amount_received: money(checkout.received_minor()),
        amount_refunded: money(0),
        tolerance_bps: checkout.terms.tolerance_bps,
        late_policy: names::late_policy(&checkout.terms.late_policy).to_owned(),
        matching: names::matching(&checkout.terms.matching).to_owned(),
        customer: private.customer.clone(),
        reference: private.reference.clone(),
        success_url: private.success_url.clone(),
        cancel_url: private.cancel_url.clone(),
        line_items: items.collect(),
        payment_options: checkout.options.iter().map(option).collect(),
        payments,
        timeline,
        metadata: metadata(&private.metadata),
    }
}

fn exception(exception: &Exception, exponent: u8, decimals: &[(PaymentId, u8)]) -> t::CheckoutException {
    // What is missing is missing from the price; everything else is about the payment that it names.
    let named = exception.payment.filter(|_| exception.kind != ExceptionKind::Underpaid);
    let of_payment = |id: PaymentId| decimals.iter().find(|(known, _)| *known == id).map(|(_, d)| *d);
    t::CheckoutException {
        kind: names::exception(&exception.kind).to_owned(),
        amount: format_decimal(exception.amount, named.and_then(of_payment).unwrap_or(exponent)),
        payment: exception.payment.map(|p| p.to_string()),
        created: exception.created.seconds(),
    }
}

fn option(option: &PaymentOption) -> t::PaymentOption {
    let address = option.kind.address_text(option.address);
    let token = option.kind.address_text(option.token);
    let atomic = option.payable();
    let amount = format_decimal(atomic, option.decimals);
    let uri = match option.kind {
        Kind::Evm => format!("ethereum:{token}@{}/transfer?address={address}&uint256={atomic}", option.chain_id),
        // No standard; wallets that know the scheme read the address, some the rest.
        Kind::Tron => format!("tron:{address}?amount={amount}&token={token}"),
    };
    let on_chain = t::ChainOption {
        network: option.network.clone(),
        caip2: option.kind.caip2(option.chain_id),
        chain_id: option.chain_id,
        asset: option.asset.clone(),
        uri,
        token,
        address,
        amount,
        atomic: atomic.to_string(),
        decimals: option.decimals,
        proof: t::AddressProof {
            wallet: option.wallet.to_string(),
            mode: if option.derivation.is_some() { "xpub" } else { "static" }.to_owned(),
            derivation_index: option.derivation,
        },
        router: None,
    };
    let (evm, tron) = by_kind(option.kind, on_chain);
    t::PaymentOption { kind: option.kind.name().to_owned(), evm, tron, open_payments: None, bank: None }
}

/// The members `evm` and `tron`, of which the kind's own holds the value.
fn by_kind<T>(kind: Kind, value: T) -> (Option<T>, Option<T>) {
    match kind {
        Kind::Evm => (Some(value), None),
        Kind::Tron => (None, Some(value)),
    }
}

/// `tip` is the height that the watcher has reached on the payment's network.
pub fn payment(scene: Scene<'_>, payment: &Payment, tip: Option<u64>) -> t::Payment {
    let (block, finalized, settled_at, canonical) = match payment.state {
        PaymentState::Detected { block } | PaymentState::Confirming { block } => (Some(block), false, None, true),
        PaymentState::Succeeded { block, at, finalized } => (Some(block), finalized, Some(at), true),
        PaymentState::Rejected { block, finalized, .. } => (Some(block), finalized, None, true),
        PaymentState::Reversed { was, .. } => (Some(was), false, None, false),
        PaymentState::Failed { .. } => (None, false, None, false),
    };
    let confirmations = match (block, tip, canonical) {
        (Some(block), Some(tip), true) => tip.saturating_sub(block.number).saturating_add(1),
        _ => 0,
    };
    let amount = format_decimal(payment.amount, payment.decimals);
    t::Payment {
        id: payment.id.to_string(),
        object: "payment".to_owned(),
        livemode: scene.livemode,
        created: payment.created.seconds(),
        version: payment.version,
        checkout: payment.checkout.map(|c| c.to_string()),
        kind: payment.kind.name().to_owned(),
        network: payment.network.clone(),
        caip2: payment.kind.caip2(payment.chain_id),
        asset: payment.asset.clone(),
        amount: t::AssetAmount {
            amount,
            asset: payment.asset.clone(),
            network: payment.network.clone(),
            atomic: payment.amount.to_string(),
            decimals: payment.decimals,
        },
        status: names::payment_state(&payment.state).to_owned(),
        outcome: payment.outcome.as_ref().map(|o| names::outcome(o).to_owned()),
        confirmations,
        required_confirmations: payment.required_confirmations,
        requires_finalized: payment.requires_finalized,
        finalized,
        transaction: transaction(payment, block),
        rate: payment.rate.map(|counted| t::Rate {
            numerator: counted.rate.numerator.to_string(),
            denominator: counted.rate.denominator.to_string(),
            currency: counted.currency.code().to_owned(),
            quote: counted.quote.map(|quote| quote.to_string()),
        }),
        detected_at: payment.detected_at.seconds(),
        succeeded_at: settled_at.map(|at| at.seconds()),
        metadata: metadata(&payment.metadata),
    }
}

fn transaction(payment: &Payment, block: Option<Inclusion>) -> t::Transaction {
    t::Transaction {
        hash: payment.tx.to_string(),
        log_index: block.map_or(0, |b| b.log_index),
        block_hash: block.map(|b| b.hash.to_string()).unwrap_or_default(),
        block_number: block.map_or(0, |b| b.number),
        from: payment.kind.address_text(payment.from),
        to: payment.kind.address_text(payment.to),
        explorer_url: None,
    }
}

/// `url` is the opened URL; `secret` is given by creation and rotation alone.
pub fn webhook(scene: Scene<'_>, webhook: &Webhook, url: &str, secret: Option<&SecretText>) -> t::Webhook {
    t::Webhook {
        id: webhook.id.to_string(),
        object: "webhook".to_owned(),
        livemode: scene.livemode,
        created: webhook.created.seconds(),
        version: webhook.version,
        url: url.to_owned(),
        enabled_events: webhook.enabled_events.clone(),
        description: webhook.description.clone(),
        payload: names::payload(&webhook.payload).to_owned(),
        signatures: webhook.signatures.iter().map(|s| names::signature_form(s).to_owned()).collect(),
        ordering: names::ordering(&webhook.ordering).to_owned(),
        retry: t::Retry { schedule_seconds: webhook.retry.schedule_seconds.clone() },
        status: names::webhook_status(&webhook.status).to_owned(),
        signing_secret: secret.map(|s| s.expose().to_owned()),
        secret_prefix: webhook.secrets.first().map(|s| s.prefix.clone()).unwrap_or_default(),
        metadata: metadata(&webhook.metadata),
    }
}
