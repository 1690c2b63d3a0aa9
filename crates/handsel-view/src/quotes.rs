//! Quotes as the API shows them.

use crate::Scene;
use handsel_core::rate::{Quote, Ratio, Stated};
use handsel_types::answers as t;

/// Places of the decimal that people read; the fraction beside it is exact.
const DECIMAL_PLACES: u8 = 12;

pub fn quote(scene: Scene<'_>, quote: &Quote) -> t::Quote {
    let source = |s: &Stated| t::QuoteSource { name: s.source.clone(), rate: rate(&s.ratio), at: s.at.seconds() };
    t::Quote {
        id: quote.id.to_string(),
        object: "quote".to_owned(),
        livemode: scene.livemode,
        created: quote.created.seconds(),
        version: 1,
        from: quote.pair.from.code().to_owned(),
        to: quote.pair.to.clone(),
        rate: rate(&quote.ratio),
        sources: quote.stated.iter().map(source).collect(),
        rated_at: quote.rated_at.seconds(),
        digest: (!quote.stated.is_empty()).then(|| hex(&quote.digest)),
        expires_at: quote.expires_at.seconds(),
        metadata: t::Metadata::new(),
    }
}

fn rate(ratio: &Ratio) -> t::QuoteRate {
    t::QuoteRate {
        numerator: ratio.numerator().to_string(),
        denominator: ratio.denominator().to_string(),
        decimal: ratio.to_decimal(DECIMAL_PLACES).unwrap_or_default(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
