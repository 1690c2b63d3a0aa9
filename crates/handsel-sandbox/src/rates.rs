//! Three simulated rate sources behind one real listener, with faults on command. What they say never moves by itself: the same
//! sandbox gives the same quotes.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use handsel_core::port::Clock;
use handsel_core::time::Timestamp;
use http::{Request, StatusCode};
use hyper::body::Incoming;

use crate::clock::SandboxClock;
use crate::limits;
use crate::listener::{self, Answer, Handler, Listener};
use crate::tokens::TOKENS;

/// The name under which the sources take faults, where a network's slug stands otherwise.
pub const RATES: &str = "rates";
/// Where an answer says its time.
pub const TIME_POINTER: &str = "/time";
const SOURCES: [&str; 3] = ["sandbox-one", "sandbox-two", "sandbox-three"];

/// What one unit is worth, in millionths of a US dollar. Made up, and fixed.
const CURRENCIES: &[(&str, u64)] = &[
    ("USD", 1_000_000),
    ("EUR", 1_085_000),
    ("GBP", 1_270_000),
    ("CHF", 1_120_000),
    ("CAD", 730_000),
    ("AUD", 660_000),
    ("JPY", 6_700),
    ("SEK", 95_000),
    ("PLN", 250_000),
    ("BRL", 180_000),
    ("MXN", 55_000),
    ("INR", 12_000),
    ("ZAR", 54_000),
    ("KES", 7_700),
    ("NGN", 650),
];
const RATE_DECIMALS: usize = 8;
const HUNDRED_PERCENT_BPS: u64 = 10_000;

/// One way in which the sources fail, or the market moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateFault {
    /// All are out of service.
    Outage,
    /// The first is out of service.
    OneSilent,
    /// The first says a tenth of the truth.
    OneLies,
    /// They speak, but as of the time at which the fault began.
    Lag,
    /// All answer with an HTML page.
    Garbage,
    /// Every answer is late.
    Slow,
    /// No two agree.
    Apart,
    /// Every coin that is worth a dollar is worth 0.98.
    OffPeg,
    /// … and here 0.90.
    BrokenPeg,
    /// Everything costs a tenth more.
    Higher,
}

const ALL: [(RateFault, &str); 10] = [
    (RateFault::Outage, "outage"),
    (RateFault::OneSilent, "one_silent"),
    (RateFault::OneLies, "one_lies"),
    (RateFault::Lag, "lag"),
    (RateFault::Garbage, "garbage"),
    (RateFault::Slow, "slow"),
    (RateFault::Apart, "apart"),
    (RateFault::OffPeg, "off_peg"),
    (RateFault::BrokenPeg, "broken_peg"),
    (RateFault::Higher, "higher"),
];

impl RateFault {
    /// The names that the API uses, for people.
    pub(crate) const NAMES: &'static str = "outage, one_silent, one_lies, lag, garbage, slow or apart";

    /// Reads the name that the API uses.
    pub fn parse(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, known)| *known == name).map(|(fault, _)| *fault)
    }
}

/// A source, for the server's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateFacts {
    pub name: &'static str,
    pub url: String,
    /// Currency, asset, and the JSON pointer to what one unit of the currency is worth in the asset.
    pub pairs: Vec<(&'static str, &'static str, String)>,
}

/// The sources at work; dropping them ends them.
#[derive(Debug)]
pub struct Rates {
    desk: Arc<Desk>,
    listener: Listener,
}

#[derive(Debug)]
struct Desk {
    clock: Arc<SandboxClock>,
    active: Mutex<Vec<Active>>,
}

#[derive(Debug, Clone, Copy)]
struct Active {
    fault: RateFault,
    since: Timestamp,
    until: Timestamp,
}

impl Rates {
    /// Serves the sources on a loopback port.
    pub async fn start(clock: Arc<SandboxClock>) -> io::Result<Self> {
        let desk = Arc::new(Desk { clock, active: Mutex::default() });
        let listener = Listener::start(0, Arc::clone(&desk)).await?;
        Ok(Self { desk, listener })
    }

    /// The sources and what each knows.
    pub fn facts(&self) -> Vec<RateFacts> {
        let pairs = CURRENCIES.iter().flat_map(|(code, _)| {
            TOKENS.iter().map(move |token| (*code, token.symbol, format!("/rates/{code}/{}", token.symbol)))
        });
        let pairs: Vec<_> = pairs.collect();
        let url = |name: &str| format!("http://{}/{name}", self.listener.address());
        SOURCES.map(|name| RateFacts { name, url: url(name), pairs: pairs.clone() }).to_vec()
    }

    /// Puts a fault in force for so many seconds of the sandbox clock, in place of an earlier one of its kind; 0 ends it.
    pub fn fault(&self, fault: RateFault, seconds: u64) {
        let since = self.desk.clock.now();
        let until = since.plus(Duration::from_secs(seconds.min(limits::FAULT_SECONDS)));
        let mut active = self.desk.active.lock().unwrap_or_else(PoisonError::into_inner);
        active.retain(|one| one.fault != fault && one.until > since);
        if until > since {
            active.push(Active { fault, since, until });
        }
    }
}

impl Desk {
    /// Since when a fault has been in force.
    fn since(&self, fault: RateFault, now: Timestamp) -> Option<Timestamp> {
        let active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        active.iter().find(|one| one.fault == fault && one.until > now).map(|one| one.since)
    }

    fn has(&self, fault: RateFault, now: Timestamp) -> bool {
        self.since(fault, now).is_some()
    }

    /// What source `at` says now: the first and third write texts, the second numbers.
    fn says(&self, at: usize, now: Timestamp) -> String {
        let bps = self.level_bps(at, now);
        let coin_bps = match (self.has(RateFault::BrokenPeg, now), self.has(RateFault::OffPeg, now)) {
            (true, _) => 9_000,
            (false, true) => 9_800,
            (false, false) => HUNDRED_PERCENT_BPS,
        };
        let time = self.since(RateFault::Lag, now).unwrap_or(now).seconds();
        let mark = if at == 1 { "" } else { "\"" };
        let mut out = format!("{{\"time\":{time},\"rates\":{{");
        for (n, (code, dollars)) in CURRENCIES.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            // Writing to a text doesn't fail.
            let _ = write!(out, "{comma}\"{code}\":{{");
            for (n, token) in TOKENS.iter().enumerate() {
                let comma = if n == 0 { "" } else { "," };
                let rate = rate(*dollars, bps, token.symbol, coin_bps);
                let _ = write!(out, "{comma}\"{}\":{mark}{rate}{mark}", token.symbol);
            }
            out.push('}');
        }
        out.push_str("}}");
        out
    }

    /// How high a source's rates are: a little apart always.
    fn level_bps(&self, at: usize, now: Timestamp) -> u64 {
        let usual = [10_000, 10_005, 9_995];
        let apart = [10_000, 11_000, 9_000];
        let levels = if self.has(RateFault::Apart, now) { apart } else { usual };
        let level = levels.get(at).copied().unwrap_or(HUNDRED_PERCENT_BPS);
        let level = if self.has(RateFault::Higher, now) { level * 11 / 10 } else { level };
        if at == 0 && self.has(RateFault::OneLies, now) { level / 10 } else { level }
    }
}

/// So many of the asset for one unit of the currency, as a decimal text.
fn rate(dollars: u64, level_bps: u64, asset: &str, coin_bps: u64) -> String {
    let euro = CURRENCIES.iter().find(|(code, _)| *code == "EUR").map_or(1, |(_, dollars)| *dollars);
    let coin = if asset == "EURC" { euro * HUNDRED_PERCENT_BPS } else { 1_000_000 * coin_bps };
    let scale = u128::from(10u64.pow(RATE_DECIMALS as u32));
    let units = u128::from(dollars) * u128::from(level_bps) * scale / u128::from(coin);
    let digits = format!("{units:0>width$}", width = RATE_DECIMALS + 1);
    let (whole, fraction) = digits.split_at(digits.len() - RATE_DECIMALS);
    format!("{whole}.{fraction}")
}

impl Handler for Desk {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let now = self.clock.now();
        let name = request.uri().path().trim_start_matches('/');
        let Some(at) = SOURCES.iter().position(|source| *source == name) else {
            return listener::text(StatusCode::NOT_FOUND, "text/plain", "no such source\n");
        };
        if self.has(RateFault::Outage, now) || (at == 0 && self.has(RateFault::OneSilent, now)) {
            return listener::text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "out of service\n");
        }
        if self.has(RateFault::Slow, now) {
            self.clock.real_pause(Duration::from_millis(limits::SLOW_ANSWER_MILLISECONDS)).await;
        }
        if self.has(RateFault::Garbage, now) {
            return listener::text(StatusCode::OK, "text/html", "<h1>502 Bad Gateway</h1>\n");
        }
        listener::text(StatusCode::OK, "application/json", self.says(at, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_decimal_texts() {
        assert_eq!(rate(1_000_000, 10_000, "USDC", 10_000), "1.00000000");
        assert_eq!(rate(1_085_000, 10_000, "USDC", 10_000), "1.08500000");
        assert_eq!(rate(1_085_000, 9_995, "EURC", 10_000), "0.99950000");
        assert_eq!(rate(1_000_000, 10_000, "USDT", 9_800), "1.02040816");
        assert_eq!(rate(650, 10_000, "USDC", 10_000), "0.00065000");
    }

    #[test]
    fn names_are_those_of_the_api() {
        for (fault, name) in ALL {
            assert_eq!(RateFault::parse(name), Some(fault));
        }
        assert_eq!(RateFault::parse("lies"), None);
    }
}
