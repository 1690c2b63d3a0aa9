//! One module for each object: parse, one engine call, its bytes. No policy.

pub(crate) mod account;
pub(crate) mod api_keys;
pub(crate) mod audit;
pub(crate) mod checkouts;
pub(crate) mod deliveries;
pub(crate) mod events;
pub(crate) mod payments;
pub(crate) mod quotes;
pub(crate) mod requests;
pub(crate) mod test_world;
pub(crate) mod wallets;
pub(crate) mod webhooks;

use crate::extract::de;
use handsel_core::account::Accept;
use handsel_engine::{Code, Refusal};
use handsel_types::answers as shapes;
use handsel_types::asks::MetadataPatch;

/// One of a few words.
fn choice<T: Copy>(text: &str, at: &str, known: &[(&str, T)]) -> Result<T, Refusal> {
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == text) {
        return Ok(*value);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let meant =
        de::nearest(text, names.iter().copied()).map(|n| format!("; did you mean \"{n}\"?")).unwrap_or_default();
    let detail = format!("this must be one of {}{meant}", names.join(", "));
    Err(Refusal::new(Code::ParameterInvalid, detail).at(at))
}

fn accept(given: Vec<shapes::Accept>) -> Vec<Accept> {
    given.into_iter().map(|a| Accept { network: a.network, asset: a.asset }).collect()
}

fn metadata_patch(given: Option<MetadataPatch>) -> Option<Vec<(String, Option<String>)>> {
    given.map(|map| map.into_iter().collect())
}

fn missing(at: &str, detail: &'static str) -> Refusal {
    Refusal::new(Code::ParameterMissing, detail).at(at)
}
