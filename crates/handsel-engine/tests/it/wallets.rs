use crate::harness::{Bench, IP, ORIGIN, XPUB, ask_of, json, new_account, new_checkout, new_wallet, text};
use handsel_core::actor::{Resource, Scope};
use handsel_core::id::WalletId;
use handsel_engine::Code;
use handsel_engine::wallets::NewWallet;
use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::point::AffineCoordinates;
use k256::{FieldBytes, ProjectivePoint, Scalar};
use serde_json::Value;
use sha3::{Digest, Keccak256};

const ROUTE: &str = "POST /v1/wallets";
/// Of the well-known phrase "test test … junk", first account.
const ADDRESS: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// `personal_sign`, as a wallet does it: tests alone hold a key.
fn signed(message: &str, key: &str) -> String {
    let scalar = |bytes: [u8; 32]| Scalar::from_repr(bytes.into()).unwrap();
    let mut bytes = [0u8; 32];
    hex::decode_to_slice(key, &mut bytes).unwrap();
    let (d, k) = (scalar(bytes), scalar([0x11; 32]));
    let digest: [u8; 32] =
        Keccak256::digest(format!("\x19Ethereum Signed Message:\n{}{message}", message.len())).into();
    let z = <Scalar as Reduce<FieldBytes>>::reduce(&digest.into());
    let point = ProjectivePoint::mul_by_generator(&k).to_affine();
    let r = <Scalar as Reduce<FieldBytes>>::reduce(&point.x());
    let mut s = k.invert().unwrap() * (z + r * d);
    let mut odd = bool::from(point.y_is_odd());
    if bool::from(k256::elliptic_curve::scalar::IsHigh::is_high(&s)) {
        (s, odd) = (-s, !odd);
    }
    format!("0x{}{}{}", hex::encode(r.to_bytes()), hex::encode(s.to_bytes()), if odd { "1c" } else { "1b" })
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_could_spend_is_refused_and_not_repeated() {
    let bench = Bench::open().await;
    let phrase = ["abandon"; 11].join(" ") + " about";
    let xprv = "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi";
    for (mode, secret) in [("xpub", xprv), ("xpub", phrase.as_str()), ("static", KEY), ("static", &format!("0x{KEY}"))]
    {
        let refusal = bench.engine.create_wallet(&bench.ask(ROUTE), new_wallet(mode, secret)).await.unwrap_err();
        assert_eq!(refusal.code, Code::PrivateKeyRefused);
        assert!(!format!("{refusal:?}").contains(secret));
    }
    let new = NewWallet { metadata: vec![("backup".to_owned(), phrase)], ..new_wallet("xpub", XPUB) };
    let refusal = bench.engine.create_wallet(&bench.ask(ROUTE), new).await.unwrap_err();
    assert_eq!(refusal.code, Code::PrivateKeyRefused);
    let list = json(&bench.engine.wallets(&bench.list("/v1/wallets")).await.unwrap());
    assert!(list["data"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn destinations_are_checked() {
    let bench = Bench::open().await;
    let typo = ADDRESS.replace("f39F", "f39f");
    let token = format!("0x{}", "c1".repeat(20));
    for (mode, destination, code) in [
        ("static", typo.as_str(), Code::AddressInvalid),
        ("static", "0x12", Code::AddressInvalid),
        ("static", "0x0000000000000000000000000000000000000000", Code::AddressInvalid),
        ("static", token.as_str(), Code::AddressInvalid),
        ("xpub", "xpub6Nonsense", Code::AddressInvalid),
        ("pool", ADDRESS, Code::ParameterInvalid),
        ("statik", ADDRESS, Code::ParameterInvalid),
    ] {
        let refusal = bench.engine.create_wallet(&bench.ask(ROUTE), new_wallet(mode, destination)).await.unwrap_err();
        assert_eq!(refusal.code, code, "{mode} {destination}");
    }
    let unknown = NewWallet { networks: vec!["sandbox-emv".to_owned()], ..new_wallet("static", ADDRESS) };
    let refusal = bench.engine.create_wallet(&bench.ask(ROUTE), unknown).await.unwrap_err();
    assert_eq!(refusal.code, Code::NetworkUnavailable);
    assert!(refusal.detail.contains("sandbox-evm"));
    let unknown = NewWallet { assets: vec!["DOGE".to_owned()], ..new_wallet("static", ADDRESS) };
    let refusal = bench.engine.create_wallet(&bench.ask(ROUTE), unknown).await.unwrap_err();
    assert_eq!((refusal.code, refusal.param.as_deref()), (Code::ParameterInvalid, Some("/assets/0")));
    for good in [ADDRESS.to_owned(), ADDRESS.to_lowercase().replace("0xf39f", "0xF39F")] {
        // All upper or all lower case carries no checksum; this one is mixed and wrong.
        let answer = bench.engine.create_wallet(&bench.ask(ROUTE), new_wallet("static", &good)).await;
        assert_eq!(answer.is_ok(), good == ADDRESS);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_xpub_is_never_added_twice_and_never_shown() {
    let bench = Bench::open().await;
    let shown = bench.xpub_wallet().await;
    assert_eq!(text(&shown, "/status"), "active");
    assert!(!shown.to_string().contains(XPUB));
    let id = WalletId::parse(text(&shown, "/id")).unwrap();
    let ask = bench.ask(ROUTE);
    assert_eq!(bench.engine.create_wallet(&ask, new_wallet("xpub", XPUB)).await.unwrap_err().code, Code::StateConflict);
    bench.engine.retire_wallet(&ask, id).await.unwrap();
    assert_eq!(bench.engine.create_wallet(&ask, new_wallet("xpub", XPUB)).await.unwrap_err().code, Code::StateConflict);
    let refusal = bench.engine.create_checkout(&ask, new_checkout("5")).await.unwrap_err();
    assert_eq!(refusal.code, Code::NoPaymentOption);
    let kinds = bench.event_kinds().await;
    assert_eq!(kinds[1..], ["wallet.added", "wallet.activated", "wallet.retired"]);
}

/// The same addresses in two shops: what is paid to one would complete the other's checkout.
#[tokio::test(flavor = "multi_thread")]
async fn an_xpub_serves_one_account_of_a_live_server() {
    let bench = Bench::open_as(true).await;
    let created = bench.engine.create_account(new_account()).await.unwrap();
    let other = bench.engine.authenticate(&created.secret_key, IP, ORIGIN).await.unwrap();
    let second = ask_of(&other, Scope::write(Resource::Wallets), ROUTE);
    let add = async |ask| json(&bench.engine.create_wallet(ask, new_wallet("xpub", XPUB)).await.unwrap());
    let first = bench.ask(ROUTE);
    let (ours, theirs) = (add(&first).await, add(&second).await);
    let prove = async |ask, wallet: &Value| {
        let id = WalletId::parse(text(wallet, "/id")).unwrap();
        bench.engine.prove_wallet(ask, id, &signed(text(wallet, "/challenge"), KEY)).await
    };
    prove(&first, &ours).await.unwrap();
    assert_eq!(prove(&second, &theirs).await.unwrap_err().code, Code::StateConflict);
    let id = WalletId::parse(text(&ours, "/id")).unwrap();
    bench.engine.retire_wallet(&first, id).await.unwrap();
    assert_eq!(
        prove(&second, &theirs).await.unwrap_err().code,
        Code::StateConflict,
        "its addresses are known for ever"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_wallet_serves_once_its_owner_has_signed() {
    let bench = Bench::open_as(true).await;
    let ask = bench.ask(ROUTE);
    let shown = json(&bench.engine.create_wallet(&ask, new_wallet("static", ADDRESS)).await.unwrap());
    assert_eq!(text(&shown, "/status"), "pending_proof");
    assert_eq!(bench.engine.create_checkout(&ask, new_checkout("5")).await.unwrap_err().code, Code::NoPaymentOption);
    let (id, challenge) = (WalletId::parse(text(&shown, "/id")).unwrap(), text(&shown, "/challenge"));
    for part in ["pay.example.com", ADDRESS, "Mode: static", &bench.account.to_string(), &id.to_string()] {
        assert!(challenge.contains(part), "{part} in {challenge}");
    }
    let other = signed(challenge, &"01".repeat(32));
    assert_eq!(bench.engine.prove_wallet(&ask, id, &other).await.unwrap_err().code, Code::SignatureInvalid);
    let about = signed("another text", KEY);
    assert_eq!(bench.engine.prove_wallet(&ask, id, &about).await.unwrap_err().code, Code::SignatureInvalid);
    let proved = json(&bench.engine.prove_wallet(&ask, id, &signed(challenge, KEY)).await.unwrap());
    assert_eq!(text(&proved, "/status"), "active");
    assert!(proved["proved_at"].is_i64());
    assert!(bench.engine.create_checkout(&ask, new_checkout("5")).await.is_ok());
}
