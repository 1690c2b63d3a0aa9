use crate::harness::{Bench, json, text};
use handsel_core::account::Accept;
use handsel_engine::Code;
use handsel_engine::accounts::AccountPatch;

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_shown_in_the_clear_and_stored_sealed() {
    let bench = Bench::open().await;
    let answer = bench.engine.account(&bench.ask("GET /v1/account")).await.unwrap();
    let shown = json(&answer);
    assert_eq!(text(&shown, "/name"), "Shop");
    assert_eq!(text(&shown, "/email"), "shop@example.com");
    let stored = bench.reader.account(bench.account).await.unwrap().unwrap();
    assert!(!stored.name.contains("Shop") && !stored.email.contains('@'), "personal members are sealed");
    assert_eq!(bench.engine.accounts().await.unwrap()[0].name, "Shop");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_changes_what_it_names_and_refuses_nonsense() {
    let bench = Bench::open().await;
    let ask = bench.ask("PATCH /v1/account");
    let patch = AccountPatch {
        name: Some("New name".to_owned()),
        support_url: Some(Some("HTTPS://Shop.Example/help".to_owned())),
        metadata: Some(vec![("a".to_owned(), Some("1".to_owned()))]),
        ..AccountPatch::default()
    };
    let shown = json(&bench.engine.patch_account(&ask, patch).await.unwrap());
    assert_eq!(text(&shown, "/name"), "New name");
    assert_eq!(text(&shown, "/email"), "shop@example.com");
    assert_eq!(text(&shown, "/support_url"), "https://shop.example/help");
    assert_eq!(shown["version"], 2);

    let cases = [
        (AccountPatch { email: Some("nobody".to_owned()), ..Default::default() }, Code::ParameterInvalid, "/email"),
        (
            AccountPatch { support_url: Some(Some("javascript:alert(1)".to_owned())), ..Default::default() },
            Code::UrlNotAllowed,
            "/support_url",
        ),
        (
            AccountPatch {
                default_accept: Some(vec![Accept { network: "sandbox-evn".to_owned(), asset: "USDC".to_owned() }]),
                ..Default::default()
            },
            Code::NetworkUnavailable,
            "/default_accept/0/network",
        ),
        (
            AccountPatch {
                default_accept: Some(vec![Accept { network: "sandbox-evm".to_owned(), asset: "USDD".to_owned() }]),
                ..Default::default()
            },
            Code::NoPaymentOption,
            "/default_accept/0/asset",
        ),
    ];
    for (patch, code, param) in cases {
        let refusal = bench.engine.patch_account(&ask, patch).await.unwrap_err();
        assert_eq!((refusal.code, refusal.param.as_deref()), (code, Some(param)));
    }
    let again = json(&bench.engine.account(&bench.ask("GET /v1/account")).await.unwrap());
    assert_eq!(again["version"], 2, "a refused patch writes nothing");
}
