use crate::harness::{Bench, IP, MINUTE, ORIGIN, ask_of, json, text};
use handsel_core::actor::{Resource, Scope};
use handsel_core::api_key::Class;
use handsel_core::api_key::text::generate;
use handsel_core::id::{ApiKeyId, RequestId};
use handsel_core::port::Entropy;
use handsel_core::secret::SecretText;
use handsel_engine::Code;
use handsel_engine::api_keys::NewApiKey;
use serde_json::Value;
use std::net::IpAddr;

fn restricted(scopes: &[Scope]) -> NewApiKey {
    NewApiKey {
        name: "shop server".to_owned(),
        class: Class::Restricted,
        scopes: scopes.to_vec(),
        allowed_ips: Vec::new(),
        allowed_origins: Vec::new(),
        expires_at: None,
        metadata: Vec::new(),
    }
}

const READ: Scope = Scope::read(Resource::Checkouts);

async fn made(bench: &Bench, new: NewApiKey) -> (Value, SecretText, ApiKeyId) {
    let shown = json(&bench.engine.create_api_key(&bench.ask("POST /v1/api_keys"), new).await.unwrap());
    let secret = SecretText::new(text(&shown, "/secret"));
    let id = ApiKeyId::parse(text(&shown, "/id")).unwrap();
    (shown, secret, id)
}

async fn code(bench: &Bench, secret: &SecretText, ip: IpAddr) -> Option<Code> {
    bench.engine.authenticate(secret, ip, ORIGIN).await.err().map(|refusal| refusal.code)
}

#[derive(Debug)]
struct Fixed;
impl Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(11);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_known_by_form_mode_and_secret() {
    let bench = Bench::open().await;
    assert_eq!(code(&bench, &bench.secret, IP).await, None);
    let junk = SecretText::new("sk_test_junk");
    assert_eq!(code(&bench, &junk, IP).await, Some(Code::ApiKeyInvalid));
    let mut typo = bench.secret.expose().to_owned();
    let last = if typo.ends_with('0') { "1" } else { "0" };
    typo.replace_range(typo.len() - 1.., last);
    assert_eq!(code(&bench, &SecretText::new(typo), IP).await, Some(Code::ApiKeyInvalid));
    let live = generate(Class::Secret, true, &Fixed).secret;
    assert_eq!(code(&bench, &live, IP).await, Some(Code::ApiKeyWrongMode));
    let unknown = generate(Class::Secret, false, &Fixed).secret;
    assert_eq!(code(&bench, &unknown, IP).await, Some(Code::ApiKeyInvalid));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_holds_at_once_although_the_hash_is_remembered() {
    let bench = Bench::open().await;
    let (shown, secret, id) = made(&bench, restricted(&[READ])).await;
    assert!(text(&shown, "/secret").starts_with("rk_test_"));
    for _ in 0..2 {
        assert_eq!(code(&bench, &secret, IP).await, None);
    }
    let listed = json(&bench.engine.api_key(&bench.ask("GET /v1/api_keys/{id}"), id).await.unwrap());
    assert_eq!(listed.get("secret"), None, "the secret is shown once");
    bench.engine.revoke_api_key(&bench.ask("POST /v1/api_keys/{id}/revoke"), id).await.unwrap();
    assert_eq!(code(&bench, &secret, IP).await, Some(Code::ApiKeyRevoked));
    let again = bench.engine.revoke_api_key(&bench.ask("POST /v1/api_keys/{id}/revoke"), id).await.unwrap_err();
    assert_eq!(again.code, Code::StateConflict);
    let kinds = bench.event_kinds().await;
    assert_eq!(kinds, ["api_key.created", "api_key.created", "api_key.revoked"]);
    assert!(bench.audit_actions().await.contains(&"api_key.revoke".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolled_key_lives_until_the_end_of_its_grace() {
    let bench = Bench::open().await;
    let (_, old, id) = made(&bench, restricted(&[READ])).await;
    let ask = bench.ask("POST /v1/api_keys/{id}/roll");
    let shown = json(&bench.engine.roll_api_key(&ask, id, 60).await.unwrap());
    let successor = SecretText::new(text(&shown, "/secret"));
    assert_ne!(text(&shown, "/id"), id.to_string());
    assert_eq!(shown["scopes"], serde_json::json!(["checkouts:read"]));
    assert_eq!((code(&bench, &old, IP).await, code(&bench, &successor, IP).await), (None, None));
    bench.clock.advance(MINUTE.as_secs());
    assert_eq!(code(&bench, &old, IP).await, Some(Code::ApiKeyExpired));
    assert_eq!(code(&bench, &successor, IP).await, None);
    let again = bench.engine.roll_api_key(&ask, id, 60).await.unwrap_err();
    assert_eq!(again.code, Code::StateConflict);
    assert_eq!(bench.engine.roll_api_key(&ask, id, 604_801).await.unwrap_err().code, Code::ParameterInvalid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_grants_only_what_it_holds() {
    let bench = Bench::open().await;
    let keys_write = Scope::write(Resource::Keys);
    let (_, secret, _) = made(&bench, restricted(&[keys_write, READ])).await;
    let caller = bench.engine.authenticate(&secret, IP, ORIGIN).await.unwrap();
    assert_eq!(
        caller.grant(Scope::read(Resource::Wallets), RequestId::from_bits(1)).unwrap_err().code,
        Code::PermissionDenied
    );
    let ask = ask_of(&caller, keys_write, "POST /v1/api_keys");
    assert!(bench.engine.create_api_key(&ask, restricted(&[READ])).await.is_ok());
    let more = bench.engine.create_api_key(&ask, restricted(&[Scope::write(Resource::Wallets)])).await.unwrap_err();
    assert_eq!(more.code, Code::PermissionDenied);
    assert!(more.detail.contains("wallets:write"));
    let all = NewApiKey { class: Class::Secret, scopes: Vec::new(), ..restricted(&[]) };
    assert_eq!(bench.engine.create_api_key(&ask, all).await.unwrap_err().code, Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn terms_of_a_key_are_checked() {
    let bench = Bench::open().await;
    let cases = [
        (NewApiKey { name: String::new(), ..restricted(&[READ]) }, "/name"),
        (restricted(&[]), "/scopes"),
        (NewApiKey { class: Class::Secret, ..restricted(&[READ]) }, "/scopes"),
        (NewApiKey { class: Class::Publishable, ..restricted(&[]) }, "/allowed_origins"),
        (NewApiKey { allowed_ips: vec!["203.0.113.1/24".to_owned()], ..restricted(&[READ]) }, "/allowed_ips/0"),
        (NewApiKey { expires_at: Some(handsel_core::time::Timestamp::EPOCH), ..restricted(&[READ]) }, "/expires_at"),
    ];
    for (new, param) in cases {
        let refusal = bench.engine.create_api_key(&bench.ask("POST /v1/api_keys"), new).await.unwrap_err();
        assert_eq!((refusal.code, refusal.param.as_deref()), (Code::ParameterInvalid, Some(param)));
    }
    assert_eq!(bench.event_kinds().await, ["api_key.created"], "nothing but the account's first key was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_origins_are_held_to() {
    let bench = Bench::open().await;
    let new = NewApiKey { allowed_ips: vec!["203.0.113.0/24".to_owned()], ..restricted(&[READ]) };
    let (_, secret, _) = made(&bench, new).await;
    assert_eq!(code(&bench, &secret, IP).await, None);
    assert_eq!(code(&bench, &secret, "::ffff:203.0.113.9".parse().unwrap()).await, None);
    assert_eq!(code(&bench, &secret, "198.51.100.1".parse().unwrap()).await, Some(Code::IpNotAllowed));

    let origin = "https://shop.example";
    let new = NewApiKey { class: Class::Publishable, allowed_origins: vec![format!("{origin}/")], ..restricted(&[]) };
    let (shown, secret, _) = made(&bench, new).await;
    assert_eq!(shown["allowed_origins"], serde_json::json!([origin]));
    assert!(bench.engine.authenticate(&secret, IP, Some(origin)).await.is_ok());
    for wrong in [None, Some("https://evil.example")] {
        let refusal = bench.engine.authenticate(&secret, IP, wrong).await.unwrap_err();
        assert_eq!(refusal.code, Code::OriginNotAllowed);
    }
}

/// A text with the public id of a real key and another secret, its checksum made right.
fn guess(of: &SecretText, n: u8) -> SecretText {
    let mut text = of.expose()[..66].to_owned();
    text.replace_range(40..42, &format!("{n:02}"));
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let mut rest = !crc;
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut check = Vec::new();
    for _ in 0..6 {
        check.insert(0, char::from(alphabet[(rest % 62) as usize]));
        rest /= 62;
    }
    text.extend(check);
    SecretText::new(text)
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_at_one_key_is_slowed_down_and_the_right_key_still_works() {
    let bench = Bench::open().await;
    for n in 0..10 {
        assert_eq!(code(&bench, &guess(&bench.secret, n), IP).await, Some(Code::ApiKeyInvalid));
    }
    assert_eq!(code(&bench, &guess(&bench.secret, 11), IP).await, Some(Code::RateLimited));
    assert_eq!(code(&bench, &bench.secret, IP).await, None, "it was verified before");
    bench.clock.advance(60);
    assert_eq!(code(&bench, &guess(&bench.secret, 11), IP).await, Some(Code::ApiKeyInvalid));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaked_key_is_revoked_and_a_guessed_one_is_not() {
    let bench = Bench::open().await;
    let (_, secret, _) = made(&bench, restricted(&[READ])).await;
    bench.engine.report_leaked_key(&guess(&secret, 1), RequestId::from_bits(1)).await.unwrap();
    assert_eq!(code(&bench, &secret, IP).await, None);
    bench.engine.report_leaked_key(&secret, RequestId::from_bits(1)).await.unwrap();
    assert_eq!(code(&bench, &secret, IP).await, Some(Code::ApiKeyRevoked));
    assert!(bench.audit_actions().await.contains(&"api_key.leaked".to_owned()));
}
