//! The sandbox's commands, for `/v1/test/…`; a live server has no world and answers `route_missing`. Every command goes through the
//! `TestWorld` port and then waits, for a bounded time, until the watcher has seen what it did. Never touches an object itself: what
//! the commands lead to is decided where it always is.

use crate::check::invalid;
use crate::magic::{Magic, magic, wrong_asset};
use crate::render::read_answer;
use crate::shell::Decision;
use crate::{Answer, Ask, Code, Engine, Refusal};
use handsel_core::chain::{AddressError, Network, Token, TxHash};
use handsel_core::change::Change;
use handsel_core::checkout::{Checkout, PaymentOption};
use handsel_core::id::{CheckoutId, ReceiverId};
use handsel_core::money;
use handsel_core::port::{PaidTransaction, PayHow, PayOrder, TestError, TestWorld};
use handsel_core::time::Timestamp;
use handsel_view::types::answers as shapes;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long a command waits for the watcher to see what it did.
pub(crate) const WATCHER_PATIENCE: Duration = Duration::from_secs(5);

/// `POST /v1/test/checkouts/{id}/pay`: everything optional.
#[derive(Debug, Clone, Default)]
pub struct TestPay {
    pub amount: Option<String>,
    pub asset: Option<String>,
    pub network: Option<String>,
    pub from: Option<String>,
}

/// What a command did: the object it is about, and the answer's body.
pub(crate) type Done = (String, Vec<u8>);

impl Engine {
    pub async fn test_pay(&self, ask: &Ask, checkout: CheckoutId, pay: TestPay) -> Result<Answer, Refusal> {
        let pay = &pay;
        self.command(ask, "test.pay", 200, || async move {
            let checkout = self.own_checkout_for_test(ask, checkout).await?;
            Ok((checkout.id.to_string(), self.pay(&checkout, pay).await?))
        })
        .await
    }

    pub async fn test_expire(&self, ask: &Ask, checkout: CheckoutId) -> Result<Answer, Refusal> {
        self.command(ask, "test.expire", 200, || async move {
            let before = self.own_checkout_for_test(ask, checkout).await?;
            self.pass_the_end(&before).await?;
            let networks: BTreeSet<&str> = before.options.iter().map(|option| option.network.as_str()).collect();
            for network in networks {
                self.world()?.mine(network, 1).await.map_err(refusal)?;
                self.watcher_caught_up(network, WATCHER_PATIENCE).await;
            }
            self.sweep_all_expired().await?;
            let after = self.own_checkout_for_test(ask, checkout).await?;
            let key = self.data_key(after.account).await?;
            let shape = self.read_checkout_shape(&key, &after, false).await?;
            Ok((after.id.to_string(), handsel_view::json(&shape)))
        })
        .await
    }

    pub async fn test_mine(&self, ask: &Ask, network: &str, blocks: u64) -> Result<Answer, Refusal> {
        self.command(ask, "test.mine", 200, || async move {
            let head = self.world()?.mine(network, blocks).await.map_err(refusal)?;
            self.head_answer(network, head).await
        })
        .await
    }

    pub async fn test_finalize(&self, ask: &Ask, network: &str) -> Result<Answer, Refusal> {
        self.command(ask, "test.finalize", 200, || async move {
            let head = self.world()?.finalize(network).await.map_err(refusal)?;
            self.head_answer(network, head).await
        })
        .await
    }

    pub async fn test_reorg(&self, ask: &Ask, network: &str, depth: u64, drop: Vec<String>) -> Result<Answer, Refusal> {
        let hashes = drop.iter().enumerate().map(|(index, text)| {
            let hash = TxHash::parse(text).map(|hash| hash.0);
            hash.ok_or_else(|| invalid(&format!("/drop/{index}"), "write a transaction hash: 0x and 64 hex digits"))
        });
        let hashes: Vec<[u8; 32]> = hashes.collect::<Result<_, _>>()?;
        let hashes = &hashes;
        self.command(ask, "test.reorg", 200, || async move {
            let head = self.world()?.reorg(network, depth, hashes.clone()).await.map_err(refusal)?;
            self.head_answer(network, head).await
        })
        .await
    }

    pub async fn test_fault(&self, ask: &Ask, network: &str, kind: &str, seconds: u64) -> Result<Answer, Refusal> {
        self.command(ask, "test.fault", 200, || async move {
            self.world()?.fault(network, kind, seconds).await.map_err(refusal)?;
            let fault = shapes::TestFault { network: network.to_owned(), kind: kind.to_owned(), seconds };
            Ok((network.to_owned(), handsel_view::json(&fault)))
        })
        .await
    }

    pub async fn test_clock_advance(&self, ask: &Ask, seconds: u64) -> Result<Answer, Refusal> {
        self.command(ask, "test.clock", 200, || async move {
            let now = self.world()?.advance_clock(seconds).await.map_err(refusal)?;
            self.clock_answer(now).await
        })
        .await
    }

    pub async fn test_clock_set(&self, ask: &Ask, unix: i64) -> Result<Answer, Refusal> {
        self.command(ask, "test.clock", 200, || async move {
            let now = self.world()?.set_clock(Timestamp::from_seconds(unix)).await.map_err(refusal)?;
            self.clock_answer(now).await
        })
        .await
    }

    pub async fn test_add_receiver(&self, ask: &Ask, statuses: Vec<u16>, delay_ms: u64) -> Result<Answer, Refusal> {
        let statuses = &statuses;
        self.command(ask, "test.receiver", 201, || async move {
            let (id, url) = self.world()?.add_receiver(statuses.clone(), delay_ms).await.map_err(refusal)?;
            Ok((id.to_string(), handsel_view::json(&shapes::TestReceiver { id: id.to_string(), url })))
        })
        .await
    }

    pub async fn test_receiver_requests(&self, _ask: &Ask, id: ReceiverId) -> Result<Answer, Refusal> {
        let requests = self.world()?.receiver_requests(id).await.map_err(refusal)?;
        Ok(read_answer(handsel_view::json(&handsel_view::received_requests(&requests)), None))
    }

    pub(crate) fn world(&self) -> Result<&dyn TestWorld, Refusal> {
        let missing =
            || Refusal::new(Code::RouteMissing, "there is no such route; the sandbox's are not on a live server");
        self.inner.world.as_deref().ok_or_else(missing)
    }

    /// Runs one command under the asker's idempotency key, with an audit leaf. What it did in the sandbox can't be foretold, so a
    /// dry run is refused.
    pub(crate) async fn command<F, D>(
        &self,
        ask: &Ask,
        action: &'static str,
        status: u16,
        run: F,
    ) -> Result<Answer, Refusal>
    where
        F: Fn() -> D,
        D: Future<Output = Result<Done, Refusal>>,
    {
        self.world()?;
        if ask.dry_run {
            return Err(invalid("dry_run", "the sandbox's commands have no dry run; leave it out"));
        }
        let run = &run;
        self.perform(ask, |_| async move {
            let (object, body) = run().await?;
            Ok(Decision { action, object, change: Change::default(), status, body, version: None })
        })
        .await
    }

    pub(crate) async fn own_checkout_for_test(&self, ask: &Ask, id: CheckoutId) -> Result<Checkout, Refusal> {
        let found = self.inner.reader.checkout(ask.grant.account(), id).await?;
        found.ok_or_else(|| Refusal::missing(CheckoutId::NOUN))
    }

    /// Pays as asked, or, without an amount, as the price's magic cents say (02).
    pub(crate) async fn pay(&self, checkout: &Checkout, pay: &TestPay) -> Result<Vec<u8>, Refusal> {
        let magic = if pay.amount.is_none() { magic(checkout.price) } else { None };
        let paid = self.pay_so(checkout, pay, magic).await?;
        let transaction = TxHash(paid.transaction).to_string();
        Ok(handsel_view::json(&shapes::TestTransaction { transaction, network: paid.network }))
    }

    /// Pays as asked, going wrong in this way.
    pub(crate) async fn pay_so(
        &self,
        checkout: &Checkout,
        pay: &TestPay,
        magic: Option<Magic>,
    ) -> Result<PaidTransaction, Refusal> {
        let mut order = self.pay_order(checkout, pay)?;
        match magic {
            Some(Magic::Short) => order.amount /= 2,
            Some(Magic::Over) => order.amount = order.amount.saturating_add(order.amount / 2),
            Some(Magic::Late) => self.pass_the_end(checkout).await?,
            Some(Magic::WrongAsset) if pay.asset.is_none() => {
                let network = self.network_of(&order.network)?;
                let Some((asset, amount)) = wrong_asset(network, checkout, &order) else {
                    return Err(invalid("/asset", "every listed asset is accepted here; name another network"));
                };
                (order.asset, order.amount) = (asset, amount);
            }
            Some(Magic::Reorged) => order.how = PayHow::ReorgedOnce,
            Some(Magic::Pending) => order.how = PayHow::Pending,
            Some(Magic::WrongAsset) | None => {}
        }
        self.world()?.pay(order).await.map_err(refusal)
    }

    /// By default the first option, exactly; another network or asset is paid to the address that is shown there or first.
    fn pay_order(&self, checkout: &Checkout, pay: &TestPay) -> Result<PayOrder, Refusal> {
        let wants = |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|wanted| wanted == has);
        let fits = |option: &&PaymentOption| wants(&pay.network, &option.network) && wants(&pay.asset, &option.asset);
        let same_network = |option: &&PaymentOption| wants(&pay.network, &option.network);
        let options = || checkout.options.iter();
        let found = options().find(fits).or_else(|| options().find(same_network)).or_else(|| options().next());
        let Some(option) = found else {
            return Err(Refusal::new(Code::NoPaymentOption, "this checkout has no way to be paid"));
        };
        let network = self.network_of(pay.network.as_deref().unwrap_or(&option.network))?;
        let asset = pay.asset.as_deref().unwrap_or(&option.asset);
        let token = network.token(asset).ok_or_else(|| unknown_asset(network))?;
        let amount = match &pay.amount {
            Some(text) => amount(text, token)?,
            None => crate::magic::rescaled(option.payable(), option.decimals, token.decimals),
        };
        let from = pay.from.as_deref().map(|text| {
            let refusal = |why: AddressError| Refusal::new(Code::AddressInvalid, why.to_string()).at("/from");
            network.kind.read_address(text).map_err(refusal)
        });
        Ok(PayOrder {
            network: network.name.clone(),
            asset: token.asset.clone(),
            to: option.address,
            amount,
            from: from.transpose()?,
            how: PayHow::Mined,
        })
    }

    fn network_of(&self, name: &str) -> Result<&Network, Refusal> {
        let found = self.inner.settings.networks.iter().find(|network| network.name == name);
        found.ok_or_else(|| invalid("/network", "there is no such network here"))
    }

    /// Moves the clock to one second past the checkout's end and grace, unless it is there already.
    async fn pass_the_end(&self, checkout: &Checkout) -> Result<(), Refusal> {
        let after = Duration::from_secs(u64::from(checkout.terms.grace_seconds) + 1);
        let target = checkout.terms.expires_at.plus(after);
        if self.now() < target {
            self.world()?.set_clock(target).await.map_err(refusal)?;
        }
        Ok(())
    }

    async fn head_answer(&self, network: &str, head: u64) -> Result<Done, Refusal> {
        self.watcher_caught_up(network, WATCHER_PATIENCE).await;
        self.sweep_all_expired().await?;
        let shape = shapes::TestHead { network: network.to_owned(), block_number: head };
        Ok((network.to_owned(), handsel_view::json(&shape)))
    }

    async fn clock_answer(&self, now: Timestamp) -> Result<Done, Refusal> {
        for network in &self.inner.settings.networks {
            self.watcher_caught_up(&network.name, WATCHER_PATIENCE).await;
        }
        self.sweep_all_expired().await?;
        Ok(("clock".to_owned(), handsel_view::json(&shapes::TestClock { now: now.seconds() })))
    }
}

fn amount(text: &str, token: &Token) -> Result<u128, Refusal> {
    let units = money::parse_decimal(text, token.decimals).map_err(|error| match error {
        money::AmountError::Malformed => invalid("/amount", error.to_string()),
        _ => Refusal::new(Code::AmountAboveMaximum, error.to_string()).at("/amount"),
    })?;
    Ok(units)
}

fn unknown_asset(network: &Network) -> Refusal {
    let known: Vec<&str> = network.tokens.iter().map(|token| token.asset.as_str()).collect();
    invalid("/asset", format!("{} has no such asset; it has {}", network.name, known.join(", ")))
}

/// What the asker is told; a node's own words go to the log.
pub(crate) fn refusal(error: TestError) -> Refusal {
    match error {
        TestError::UnknownNetwork => Refusal::missing("network of the sandbox"),
        TestError::UnknownAsset => invalid("/asset", "the sandbox has no such asset"),
        TestError::UnknownReceiver => Refusal::missing(ReceiverId::NOUN),
        TestError::UnknownFault { known } => invalid("/kind", format!("there is no such fault; write {known}")),
        TestError::Invalid(why) => Refusal::new(Code::ParameterInvalid, why),
        TestError::Node(why) => {
            tracing::warn!(why, "the sandbox's node refused a command");
            Refusal::new(Code::DependencyUnavailable, "the sandbox's node refused; the server's log says why")
        }
    }
}
