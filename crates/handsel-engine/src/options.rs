//! The ways to pay of a new checkout: for each accepted network and asset the first wallet that serves it, a locked amount and
//! an address of its own (xpub) or an amount of its own (static). What can't be offered is left out; nothing to offer is refused,
//! saying why.

use crate::derivation::Leased;
use crate::pulse::Withheld;
use crate::{Code, Engine, Refusal};
use handsel_core::account::Accept;
use handsel_core::chain::{Address, Network, Token};
use handsel_core::checkout::sums::MICRO_PER_MINOR;
use handsel_core::checkout::terms::{due, free_tag, pegged_rate};
use handsel_core::checkout::{Matching, PaymentOption, Quoted, Rate};
use handsel_core::id::{AccountId, WalletId};
use handsel_core::money::{Currency, Money};
use handsel_core::rate::{Offer, Pair, Quote};
use handsel_core::time::Timestamp;
use handsel_core::vault::DataKey;
use handsel_core::wallet::{Destination, State, Wallet};
use std::sync::Arc;

/// What is asked of the ways to pay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OptionsAsk<'a> {
    pub(crate) account: AccountId,
    pub(crate) price: Money,
    /// Checked against the configuration already.
    pub(crate) accept: &'a [Accept],
    pub(crate) matching: Matching,
    pub(crate) now: Timestamp,
    /// Take nothing: nothing of it will be shown again.
    pub(crate) dry_run: bool,
}

/// The ways to pay, and the quotes that lock those which are not worth the price's currency 1:1.
pub(crate) struct Offered {
    pub(crate) options: Vec<PaymentOption>,
    pub(crate) quotes: Vec<Quote>,
}

/// A wallet that may be used now, checked; with its leases where it is an xpub.
struct Usable {
    wallet: Wallet,
    leased: Option<Arc<Leased>>,
}

/// One address per wallet and checkout: its options share it.
type Taken = Vec<(WalletId, u32, Address)>;

impl Engine {
    /// What checkouts of this currency accept when nobody says: every configured token that is worth it 1:1, or all of them
    /// where none is.
    pub(crate) fn pegged_accept(&self, currency: Currency) -> Vec<Accept> {
        let networks = &self.inner.settings.networks;
        let all = networks.iter().flat_map(|network| network.tokens.iter().map(move |token| (network, token)));
        let any_pegged = all.clone().any(|(_, token)| token.pegged_to == Some(currency));
        let wanted = all.filter(|(_, token)| !any_pegged || token.pegged_to == Some(currency));
        wanted.map(|(network, token)| Accept { network: network.name.clone(), asset: token.asset.clone() }).collect()
    }

    pub(crate) async fn payment_options(&self, key: &DataKey, ask: OptionsAsk<'_>) -> Result<Offered, Refusal> {
        let usable = self.usable_wallets(key, &ask).await?;
        let mut quotes = Vec::new();
        let mut options = Vec::with_capacity(ask.accept.len());
        let mut reasons = Vec::new();
        let mut taken = Taken::new();
        let mut halted = false;
        for accept in ask.accept {
            match self.payment_option(&ask, accept, &usable, &mut taken, (&mut quotes, &mut halted)).await? {
                Ok(option) => options.push(option),
                Err(reason) => reasons.push(format!("{} on {}: {reason}", accept.asset, accept.network)),
            }
        }
        if options.is_empty() {
            let why = if reasons.is_empty() {
                format!("no configured asset is worth {} one to one", ask.price.currency.code())
            } else {
                reasons.join("; ")
            };
            let detail = format!("there is no way to pay this: {why}");
            if halted {
                return Err(Refusal::new(Code::NetworkUnavailable, detail)
                    .hint("accept another network too; this one takes payments again once its operator has decided"));
            }
            return Err(Refusal::new(Code::NoPaymentOption, detail)
                .hint("add a wallet that serves one of the accepted networks and assets"));
        }
        Ok(Offered { options, quotes })
    }

    /// One option, or why there is none.
    async fn payment_option(
        &self,
        ask: &OptionsAsk<'_>,
        accept: &Accept,
        usable: &[Usable],
        taken: &mut Taken,
        (quotes, halted): (&mut Vec<Quote>, &mut bool),
    ) -> Result<Result<PaymentOption, &'static str>, Refusal> {
        let network = self.inner.settings.networks.iter().find(|n| n.name == accept.network);
        let Some(network) = network else { return Ok(Err("the network is not configured")) };
        let Some(token) = network.token(&accept.asset) else { return Ok(Err("the asset is not configured")) };
        if let Some(withheld) = self.withheld(&accept.network, &accept.asset).await {
            *halted |= withheld == Withheld::Halted;
            return Ok(Err(withheld.reason()));
        }
        let (rate, quoted) = match self.locked(ask, token, quotes).await {
            Ok(locked) => locked,
            Err(why) => return Ok(Err(why)),
        };
        let Some(due) = due(ask.price.minor, &rate, token.decimals) else {
            return Ok(Err("the amount is too small or too large for it"));
        };
        let serving = usable.iter().find(|u| u.wallet.kind == network.kind && serves(&u.wallet, accept));
        let Some(serving) = serving else { return Ok(Err("no active wallet serves it")) };
        let lock = Lock { network, token, rate, due, quoted };
        match (&serving.leased, &serving.wallet.destination) {
            (Some(leased), _) => {
                let known = taken.iter().find(|(wallet, ..)| *wallet == serving.wallet.id).copied();
                let (_, index, address) = match known {
                    Some(known) => known,
                    None => {
                        let (index, address) = if ask.dry_run {
                            self.peek_address(leased).await?
                        } else {
                            self.take_address(leased).await?
                        };
                        taken.push((serving.wallet.id, index, address));
                        (serving.wallet.id, index, address)
                    }
                };
                Ok(Ok(self.option_at(ask.account, &serving.wallet, &lock, address, Some(index), 0)))
            }
            // A tag takes from the amount, and the rest would be quoted at another one: nobody could tell whose it is.
            (None, Destination::Static { .. }) if quoted.is_some() => {
                Ok(Err("a static address needs an asset that is worth the currency one to one"))
            }
            (None, Destination::Static { address }) => {
                let tag = self.unique_tag(&lock, *address, ask.now).await?;
                let Some(tag) = tag else { return Ok(Err("no unique amount is free for it")) };
                Ok(Ok(self.option_at(ask.account, &serving.wallet, &lock, *address, None, tag)))
            }
            (None, Destination::Xpub { .. }) => Ok(Err("its wallet can't be used")),
        }
    }

    /// At which rate the price is locked in a token, and the quote of it where it is not 1:1; or why it can't be offered.
    async fn locked(
        &self,
        ask: &OptionsAsk<'_>,
        token: &Token,
        quotes: &mut Vec<Quote>,
    ) -> Result<(Rate, Option<Quoted>), &'static str> {
        let currency = ask.price.currency;
        match self.offer(token, currency) {
            Offer::Withheld => return Err("it is off its peg at present"),
            Offer::OneToOne => {
                return pegged_rate(currency, token.decimals).map(|rate| (rate, None)).ok_or("it has no rate");
            }
            Offer::AtItsRate => {}
        }
        let pair = Pair::new(currency, token.asset.as_str());
        let known = quotes.iter().find(|quote| quote.pair == pair).cloned();
        let quote = match known {
            Some(quote) => quote,
            None => {
                let no_rate = "it is not worth the checkout's currency one to one, and there is no rate";
                let agreed = self.rate(&pair).await.ok_or(no_rate)?;
                let quote = self.new_quote(ask.account, &pair, &agreed, ask.now);
                quotes.push(quote.clone());
                quote
            }
        };
        let rate = quote.ratio.lock(currency, token.decimals).ok_or("its rate is beyond what can be counted")?;
        let priced_micro = ask.price.minor.saturating_mul(MICRO_PER_MINOR);
        Ok((rate, Some(Quoted { quote: quote.id, from: ask.now, until: quote.expires_at, priced_micro })))
    }

    fn option_at(
        &self,
        account: AccountId,
        wallet: &Wallet,
        lock: &Lock<'_>,
        address: Address,
        derivation: Option<u32>,
        tag: u128,
    ) -> PaymentOption {
        let option = PaymentOption {
            network: lock.network.name.clone(),
            kind: lock.network.kind,
            chain_id: lock.network.chain_id,
            asset: lock.token.asset.clone(),
            token: lock.token.contract,
            decimals: lock.token.decimals,
            address,
            wallet: wallet.id,
            derivation,
            due: lock.due,
            tag,
            rate: lock.rate,
            quoted: lock.quoted,
            earlier: Vec::new(),
            mac: [0; 32],
        };
        PaymentOption { mac: self.option_mac(account, &option), ..option }
    }

    async fn unique_tag(&self, lock: &Lock<'_>, address: Address, now: Timestamp) -> Result<Option<u128>, Refusal> {
        let (network, token) = (&lock.network.name, lock.token.contract);
        let leased = self.inner.reader.leased_amounts(network, token, address, now).await?;
        let mut start = [0u8; 8];
        self.inner.entropy.fill(&mut start);
        Ok(free_tag(lock.due, lock.token.decimals, &leased, u128::from(u64::from_be_bytes(start))))
    }

    /// The account's wallets that may be used now, in the order in which they are preferred, each checked against its MAC.
    async fn usable_wallets(&self, key: &DataKey, ask: &OptionsAsk<'_>) -> Result<Vec<Usable>, Refusal> {
        let mut wallets = self.inner.reader.usable_wallets(ask.account).await?;
        wallets.retain(|wallet| self.may_serve(wallet, ask));
        wallets.sort_by_key(|w| (matches!(w.state, State::Retiring { .. }), !is_xpub(w), w.created, w.id));
        let mut usable = Vec::with_capacity(wallets.len());
        for wallet in wallets {
            let leased = match &wallet.destination {
                Destination::Static { .. } => None,
                Destination::Xpub { xpub, .. } => Some(self.leased(key, &wallet, xpub)?),
            };
            self.genuine_wallet(&wallet, leased.as_ref().map(|leased| leased.xpub.text()))?;
            usable.push(Usable { wallet, leased });
        }
        Ok(usable)
    }

    fn may_serve(&self, wallet: &Wallet, ask: &OptionsAsk<'_>) -> bool {
        let now = wallet.state.serves(ask.now);
        let proved = !self.inner.settings.live || wallet.proved_at.is_some();
        let mode = match ask.matching {
            Matching::Xpub => is_xpub(wallet),
            Matching::Static => !is_xpub(wallet),
            _ => true,
        };
        now && proved && mode
    }
}

/// A price turned into one asset.
struct Lock<'a> {
    network: &'a Network,
    token: &'a Token,
    rate: Rate,
    due: u128,
    quoted: Option<Quoted>,
}

const fn is_xpub(wallet: &Wallet) -> bool {
    matches!(wallet.destination, Destination::Xpub { .. })
}

fn serves(wallet: &Wallet, accept: &Accept) -> bool {
    (wallet.networks.is_empty() || wallet.networks.contains(&accept.network))
        && (wallet.assets.is_empty() || wallet.assets.contains(&accept.asset))
}
