//! Quotes: rates that were given to somebody and hold for a time, by themselves or as the lock of a checkout's option.

use crate::check::{did_you_mean, invalid};
use crate::keys::{mac, same};
use crate::render::read_answer;
use crate::shell::Decision;
use crate::{Answer, Ask, Code, Engine, Refusal};
use handsel_core::change::{Change, Write};
use handsel_core::checkout::lock::Requote;
use handsel_core::id::{AccountId, QuoteId};
use handsel_core::limits::RATE_REFRESH_SECONDS;
use handsel_core::money::Currency;
use handsel_core::rate::{Agreed, Offer, Pair, Quote, Ratio};
use handsel_core::time::Timestamp;

impl Engine {
    /// Quotes what one unit of a currency is worth in an asset.
    pub async fn create_quote(&self, ask: &Ask, from: &str, to: &str) -> Result<Answer, Refusal> {
        self.perform(ask, |now| async move {
            let pair = self.known_pair(from, to)?;
            let quote = self.quoted(ask.grant.account(), &pair, now).await?;
            let body = handsel_view::json(&handsel_view::quote(self.scene(), &quote));
            Ok(Decision {
                action: "quote.create",
                object: quote.id.to_string(),
                status: 201,
                body,
                version: Some(1),
                change: Change { writes: vec![Write::InsertQuote(quote)], ..Change::default() },
            })
        })
        .await
    }

    pub async fn quote(&self, ask: &Ask, id: QuoteId) -> Result<Answer, Refusal> {
        let found = self.inner.reader.quote(ask.grant.account(), id).await?;
        let quote = found.ok_or_else(|| Refusal::missing("quote"))?;
        if !same(&self.quote_mac(&quote), &quote.mac) {
            return Err(self.forged(quote.account, quote.id.to_string()));
        }
        Ok(read_answer(handsel_view::json(&handsel_view::quote(self.scene(), &quote)), Some(1)))
    }

    fn known_pair(&self, from: &str, to: &str) -> Result<Pair, Refusal> {
        let currency = Currency::parse(from).ok_or_else(|| {
            let guess = did_you_mean(from, Currency::codes());
            Refusal::new(Code::CurrencyUnsupported, format!("this currency is not supported{guess}")).at("/from")
        })?;
        let mut assets = self.inner.settings.networks.iter().flat_map(|n| &n.tokens).map(|t| t.asset.as_str());
        if assets.clone().any(|asset| asset == to) {
            return Ok(Pair::new(currency, to));
        }
        let guess = did_you_mean(to, &mut assets);
        Err(invalid("/to", format!("no configured network has this asset{guess}")))
    }

    /// A quote as a merchant asks for it: 1:1 where a checkout would lock that.
    async fn quoted(&self, account: AccountId, pair: &Pair, now: Timestamp) -> Result<Quote, Refusal> {
        let mut tokens = self.inner.settings.networks.iter().flat_map(|n| &n.tokens);
        let pegged = tokens.find(|t| t.asset == pair.to && t.pegged_to == Some(pair.from));
        match pegged.map_or(Offer::AtItsRate, |token| self.offer(token, pair.from)) {
            Offer::OneToOne => {
                let agreed = Agreed { ratio: Ratio::ONE, at: now, stated: Vec::new() };
                Ok(self.new_quote(account, pair, &agreed, now))
            }
            Offer::Withheld => {
                let detail = format!("{} is off its peg to {} and not offered at present", pair.to, pair.from.code());
                Err(Refusal::new(Code::NoPaymentOption, detail).at("/to"))
            }
            Offer::AtItsRate => {
                let agreed = self.rate(pair).await.ok_or_else(|| {
                    let detail = format!("there is no rate for {pair} at present");
                    let refusal = Refusal::new(Code::DependencyUnavailable, detail)
                        .hint("three rate sources must name the pair; see [[rates.sources]] in the configuration");
                    Refusal { retry_after_seconds: Some(RATE_REFRESH_SECONDS), ..refusal }
                })?;
                Ok(self.new_quote(account, pair, &agreed, now))
            }
        }
    }

    /// Puts a rate down as a quote that holds from `now`.
    pub(crate) fn new_quote(&self, account: AccountId, pair: &Pair, agreed: &Agreed, now: Timestamp) -> Quote {
        let digest = if agreed.stated.is_empty() { [0; 32] } else { agreed.digest(pair) };
        let quote = Quote {
            id: QuoteId::new(now, &*self.inner.entropy),
            account,
            created: now,
            pair: pair.clone(),
            ratio: agreed.ratio,
            rated_at: agreed.at,
            expires_at: now.plus(Requote::SPAN),
            stated: agreed.stated.clone(),
            digest,
            mac: [0; 32],
        };
        Quote { mac: self.quote_mac(&quote), ..quote }
    }

    /// Over all of a quote; what the sources said is in its digest.
    fn quote_mac(&self, quote: &Quote) -> [u8; 32] {
        let pair = quote.pair.to_string();
        let parts: [&[u8]; 10] = [
            b"quote",
            &quote.account.bits().to_be_bytes(),
            &quote.id.bits().to_be_bytes(),
            pair.as_bytes(),
            &quote.ratio.numerator().to_be_bytes(),
            &quote.ratio.denominator().to_be_bytes(),
            &quote.created.millis().to_be_bytes(),
            &quote.rated_at.millis().to_be_bytes(),
            &quote.expires_at.millis().to_be_bytes(),
            &quote.digest,
        ];
        mac(&self.inner.keys.quotes, &parts)
    }
}
