//! What a webhook may be: its URL, its patterns, its ways to sign. Pure but for the judgement of a host; never sends anything.

use crate::{Code, Engine, Refusal};
use handsel_core::egress_rules::weburl::WebHost;
use handsel_core::egress_rules::{AddressPolicy, UrlKind, UrlPolicy, UrlRefusal, WebUrl};
use handsel_core::event::Kind;
use handsel_core::limits;
use handsel_core::webhook::{Retry, SignatureForm};

impl Engine {
    /// Checks a webhook's URL by the rules of 06 1.5, resolution included, and gives its canonical form.
    pub(crate) async fn allowed_url(&self, text: &str) -> Result<WebUrl, Refusal> {
        let url = WebUrl::check(text, UrlKind::Webhook, &self.url_policy()?).map_err(refused_url)?;
        let host = match url.host() {
            WebHost::Name(name) => name.clone(),
            WebHost::Literal(ip) => ip.to_string(),
        };
        match self.inner.judge.judge(&host, url.port()).await {
            Ok(()) => Ok(url),
            Err(refused) => Err(not_allowed(format!(
                "webhooks may not reach this host ({}); use a public host, or let the operator open its block in \
                 egress.allowed_cidrs",
                refused.class
            ))),
        }
    }

    fn url_policy(&self) -> Result<UrlPolicy, Refusal> {
        let settings = &self.inner.settings;
        let Ok(addresses) = AddressPolicy::from_texts::<_, &str>(&settings.allowed_cidrs, &[]) else {
            tracing::error!("egress.allowed_cidrs holds an entry that is no block");
            return Err(Refusal::internal());
        };
        let own = settings.public_url.split("://").nth(1).unwrap_or_default();
        let own = own.split(['/', ':']).next().unwrap_or_default().to_ascii_lowercase();
        Ok(UrlPolicy {
            live: settings.live,
            allow_http: settings.allow_http_webhooks,
            extra_ports: settings.extra_ports.clone(),
            own_hosts: vec![own],
            addresses,
        })
    }
}

fn not_allowed(detail: String) -> Refusal {
    Refusal::new(Code::UrlNotAllowed, detail).at("/url")
}

fn refused_url(refusal: UrlRefusal) -> Refusal {
    match refusal {
        UrlRefusal::TooLong => Refusal::new(Code::ParameterInvalid, refusal.to_string()).at("/url"),
        _ => not_allowed(refusal.to_string()),
    }
}

/// Refuses a schedule that is too long, and spans of nothing or of more than a day.
pub(crate) fn possible_retry(retry: &Retry) -> Result<(), Refusal> {
    let (most, longest) = (limits::HOOK_RETRIES_MAX_ENTRIES, limits::HOOK_RETRY_MAX_SECONDS);
    let invalid = |detail: String, at: String| Err(Refusal::new(Code::ParameterInvalid, detail).at(at));
    if retry.schedule_seconds.len() > most {
        return invalid(format!("at most {most} tries are possible"), "/retry/schedule_seconds".to_owned());
    }
    match retry.schedule_seconds.iter().position(|span| !(1..=longest).contains(span)) {
        None => Ok(()),
        Some(at) => invalid(format!("1 to {longest} seconds are possible"), format!("/retry/schedule_seconds/{at}")),
    }
}

/// The patterns without repeats, or the first that names no event, with the nearest that does.
pub(crate) fn known_patterns(patterns: &[String]) -> Result<Vec<String>, Refusal> {
    let invalid = |detail: String, at: String| Err(Refusal::new(Code::ParameterInvalid, detail).at(at));
    if patterns.is_empty() {
        return invalid("name at least one event, or \"*\" for all of them".to_owned(), "/enabled_events".to_owned());
    }
    if patterns.len() > limits::WEBHOOK_EVENTS_MAX_PATTERNS {
        let most = limits::WEBHOOK_EVENTS_MAX_PATTERNS;
        return invalid(format!("a webhook takes at most {most} event patterns"), "/enabled_events".to_owned());
    }
    let mut known: Vec<String> = Vec::with_capacity(patterns.len());
    for (index, pattern) in patterns.iter().enumerate() {
        if !is_known(pattern) {
            let nearest = nearest_pattern(pattern);
            return invalid(
                format!("there is no such event; the nearest is \"{nearest}\""),
                format!("/enabled_events/{index}"),
            );
        }
        if !known.contains(pattern) {
            known.push(pattern.clone());
        }
    }
    Ok(known)
}

fn is_known(pattern: &str) -> bool {
    match pattern.strip_suffix(".*") {
        Some(head) => Kind::ALL.iter().any(|kind| kind.name().split('.').next() == Some(head)),
        None => pattern == "*" || Kind::parse(pattern).is_some(),
    }
}

/// The known name or wildcard that is most like `pattern`.
fn nearest_pattern(pattern: &str) -> String {
    let names = Kind::ALL.iter().map(|kind| kind.name().to_owned());
    let wildcards = Kind::ALL.iter().filter_map(|kind| Some(format!("{}.*", kind.name().split_once('.')?.0)));
    let best = names.chain(wildcards).min_by_key(|known| strsim::damerau_levenshtein(known, pattern));
    best.unwrap_or_else(|| "*".to_owned())
}

/// The event type that a filter names, or its nearest.
pub(crate) fn known_filter(pattern: &str) -> Result<(), Refusal> {
    if is_known(pattern) {
        return Ok(());
    }
    let nearest = nearest_pattern(pattern);
    Err(Refusal::new(Code::ParameterInvalid, format!("there is no such event; the nearest is \"{nearest}\""))
        .at("type"))
}

/// The forms without repeats; none given means Handsel's own and Standard Webhooks.
pub(crate) fn known_forms(forms: &[SignatureForm]) -> Result<Vec<SignatureForm>, Refusal> {
    if forms.is_empty() {
        return Ok(vec![SignatureForm::Handsel, SignatureForm::Standard]);
    }
    if forms.contains(&SignatureForm::Ed25519) {
        let refusal = Refusal::new(Code::ParameterInvalid, "ed25519 signatures are not offered yet; use \"standard\"");
        return Err(refusal.at("/signatures"));
    }
    let mut known: Vec<SignatureForm> = Vec::with_capacity(forms.len());
    for form in forms {
        if !known.contains(form) {
            known.push(*form);
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn texts(patterns: &[&str]) -> Vec<String> {
        patterns.iter().map(|p| (*p).to_owned()).collect()
    }

    #[test]
    fn patterns_are_names_wildcards_or_everything() {
        let given = texts(&["checkout.*", "payment.succeeded", "*", "checkout.*"]);
        assert_eq!(known_patterns(&given).unwrap(), texts(&["checkout.*", "payment.succeeded", "*"]));
        for wrong in ["checkout.complete", "checkouts.*", "checkout", "*.created", ""] {
            let refusal = known_patterns(&texts(&["*", wrong])).unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some("/enabled_events/1"), "{wrong}");
        }
        let refusal = known_patterns(&texts(&["checkout.complete"])).unwrap_err();
        assert!(refusal.detail.contains("\"checkout.completed\""), "{}", refusal.detail);
        assert_eq!(known_patterns(&[]).unwrap_err().code, Code::ParameterInvalid);
    }

    #[test]
    fn forms_have_a_default_and_ed25519_is_not_there_yet() {
        assert_eq!(known_forms(&[]).unwrap(), [SignatureForm::Handsel, SignatureForm::Standard]);
        let twice = [SignatureForm::Sha256Body, SignatureForm::Sha256Body];
        assert_eq!(known_forms(&twice).unwrap(), [SignatureForm::Sha256Body]);
        assert_eq!(known_forms(&[SignatureForm::Ed25519]).unwrap_err().param.as_deref(), Some("/signatures"));
    }
}
