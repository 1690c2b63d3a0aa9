#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn live() -> UrlPolicy {
    UrlPolicy::strict()
}

fn dev() -> UrlPolicy {
    UrlPolicy {
        live: false,
        allow_http: true,
        addresses: AddressPolicy::from_texts::<_, &str>(&["127.0.0.0/8", "::1/128"], &[]).unwrap(),
        ..UrlPolicy::default()
    }
}

fn webhook(text: &str, policy: &UrlPolicy) -> Result<WebUrl, UrlRefusal> {
    WebUrl::check(text, UrlKind::Webhook, policy)
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn ordinary_webhook_urls_pass_in_their_canonical_form() {
    for (text, canonical) in [
        ("https://hooks.example.com/a?b=c", "https://hooks.example.com/a?b=c"),
        ("HTTPS://Hooks.EXAMPLE.com:443", "https://hooks.example.com/"),
        ("https://hooks.example.com:8443/x", "https://hooks.example.com:8443/x"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("https://hooks.example.com/a/../b", "https://hooks.example.com/b"),
    ] {
        assert_eq!(webhook(text, &live()).unwrap().as_str(), canonical);
    }
}

#[test]
fn each_rule_refuses_a_webhook_by_its_own_name() {
    let long = format!("https://example.com/{}", "a".repeat(WEB_URL_MAX_BYTES));
    let cases = [
        ("http://example.com/", UrlRefusal::HttpsRequired),
        ("ftp://example.com/", UrlRefusal::Scheme),
        ("file:///etc/passwd", UrlRefusal::Scheme),
        ("gopher://example.com/", UrlRefusal::Scheme),
        ("javascript:alert(1)", UrlRefusal::Scheme),
        ("example.com/x", UrlRefusal::Malformed),
        ("//example.com/x", UrlRefusal::Malformed),
        ("https:example.com", UrlRefusal::Malformed),
        ("https:/example.com", UrlRefusal::Malformed),
        ("https:///example.com", UrlRefusal::Malformed),
        ("https://", UrlRefusal::Malformed),
        ("https://a..example.com/", UrlRefusal::Malformed),
        ("https://u:p@example.com/", UrlRefusal::Userinfo),
        ("https://u@example.com/", UrlRefusal::Userinfo),
        ("https://@example.com/", UrlRefusal::Userinfo),
        ("https://example.com/#x", UrlRefusal::Fragment),
        ("https://example.com/#", UrlRefusal::Fragment),
        (" https://example.com/", UrlRefusal::ForbiddenCharacter),
        ("https://exam\tple.com/", UrlRefusal::ForbiddenCharacter),
        ("https://example.com/\r\nx: y", UrlRefusal::ForbiddenCharacter),
        ("https://example.com\\@evil.example/", UrlRefusal::ForbiddenCharacter),
        ("https://example.com/\u{0}", UrlRefusal::ForbiddenCharacter),
        ("https://example.com/\u{202e}x", UrlRefusal::ForbiddenCharacter),
        ("https://example.com:80/", UrlRefusal::Port),
        ("https://example.com:22/", UrlRefusal::Port),
        ("https://example.com:0/", UrlRefusal::Port),
        ("https://8.8.8.8/", UrlRefusal::IpLiteral),
        ("https://[2001:4860:4860::8888]/", UrlRefusal::IpLiteral),
        ("https://127.0.0.1/", UrlRefusal::Address(AddressClass::Loopback)),
        ("https://2130706433/", UrlRefusal::Address(AddressClass::Loopback)),
        ("https://0x7f.1/", UrlRefusal::Address(AddressClass::Loopback)),
        ("https://0177.0.0.1/", UrlRefusal::Address(AddressClass::Loopback)),
        ("https://１２７.1/", UrlRefusal::Address(AddressClass::Loopback)),
        ("https://%31%32%37.0.0.1/", UrlRefusal::Address(AddressClass::Loopback)),
        ("https://127.0.0.1./", UrlRefusal::Address(AddressClass::Loopback)),
        ("https://[::ffff:10.0.0.1]/", UrlRefusal::Address(AddressClass::Mapped)),
        ("https://[fe80::1]/", UrlRefusal::Address(AddressClass::LinkLocal)),
        ("https://169.254.169.254/latest/meta-data", UrlRefusal::Address(AddressClass::Metadata)),
        ("https://localhost/", UrlRefusal::HostNotPublic),
        ("https://localhost./", UrlRefusal::HostNotPublic),
        ("https://LOCALHOST/", UrlRefusal::HostNotPublic),
        ("https://a.localhost/", UrlRefusal::HostNotPublic),
        ("https://intranet/", UrlRefusal::HostNotPublic),
        ("https://printer.local/", UrlRefusal::HostNotPublic),
        ("https://metadata.google.internal/", UrlRefusal::HostNotPublic),
        ("https://x.onion/", UrlRefusal::HostNotPublic),
        (long.as_str(), UrlRefusal::TooLong),
    ];
    for (text, refusal) in cases {
        assert_eq!(webhook(text, &live()).unwrap_err(), refusal, "{text}");
    }
}

#[test]
fn own_hosts_and_extra_ports_come_from_the_configuration() {
    let policy = UrlPolicy { own_hosts: vec!["pay.example.com".into()], extra_ports: vec![9443], ..live() };
    assert_eq!(webhook("https://pay.example.com./x", &policy).unwrap_err(), UrlRefusal::OwnHost);
    assert!(webhook("https://hooks.example.com:9443/", &policy).is_ok());
    assert_eq!(webhook("https://hooks.example.com:9444/", &policy).unwrap_err(), UrlRefusal::Port);
}

#[test]
fn http_needs_sandbox_and_the_setting() {
    let off = UrlPolicy { live: false, ..UrlPolicy::default() };
    let on = UrlPolicy { allow_http: true, ..off.clone() };
    let live_on = UrlPolicy { live: true, ..on.clone() };
    assert_eq!(webhook("http://example.com/", &off).unwrap_err(), UrlRefusal::HttpsRequired);
    assert!(webhook("http://example.com/", &on).is_ok());
    assert_eq!(webhook("http://example.com/", &live_on).unwrap_err(), UrlRefusal::HttpsRequired);
}

#[test]
fn inside_the_opened_blocks_literal_port_and_localhost_pass() {
    for text in [
        "http://127.0.0.1:4242/hook",
        "http://localhost:4242/",
        "https://localhost/",
        "http://[::1]:9/",
        "http://a.localhost:1/",
    ] {
        assert!(webhook(text, &dev()).is_ok(), "{text}");
    }
    for (text, refusal) in [
        ("http://10.0.0.1:4242/", UrlRefusal::Address(AddressClass::Private)),
        ("http://[::ffff:127.0.0.1]/", UrlRefusal::Address(AddressClass::Mapped)),
        ("http://169.254.169.254/", UrlRefusal::Address(AddressClass::Metadata)),
        ("http://u@localhost/", UrlRefusal::Userinfo),
        ("http://8.8.8.8/", UrlRefusal::IpLiteral),
    ] {
        assert_eq!(webhook(text, &dev()).unwrap_err(), refusal, "{text}");
    }
    let only_lan =
        UrlPolicy { addresses: AddressPolicy::from_texts::<_, &str>(&["10.0.0.0/8"], &[]).unwrap(), ..dev() };
    assert_eq!(webhook("http://localhost/", &only_lan).unwrap_err(), UrlRefusal::HostNotPublic);
    let everything =
        UrlPolicy { addresses: AddressPolicy::from_texts::<_, &str>(&["0.0.0.0/0"], &[]).unwrap(), ..dev() };
    assert_eq!(
        webhook("http://169.254.169.254/", &everything).unwrap_err(),
        UrlRefusal::Address(AddressClass::Metadata)
    );
}

#[test]
fn a_name_outside_the_rules_passes_only_with_opened_addresses() {
    let url = webhook("http://hooks.corp.internal:9000/", &dev()).unwrap();
    assert_eq!(url.judge(&ips(&["127.0.0.5"]), &dev()), Ok(()));
    assert_eq!(url.judge(&ips(&["8.8.8.8"]), &dev()), Err(UrlRefusal::HostNotPublic));
    assert_eq!(url.judge_unresolved(), Err(UrlRefusal::HostNotPublic));
    let odd_port = webhook("http://hooks.example.com:9000/", &dev()).unwrap();
    assert_eq!(odd_port.judge(&ips(&["8.8.8.8"]), &dev()), Err(UrlRefusal::Port));
    assert_eq!(webhook("https://hooks.corp.internal/", &live()).unwrap_err(), UrlRefusal::HostNotPublic);
}

#[test]
fn one_closed_answer_refuses_the_set() {
    let url = webhook("https://hooks.example.com/", &live()).unwrap();
    assert_eq!(url.judge(&ips(&["8.8.8.8", "2606:4700::1111"]), &live()), Ok(()));
    assert_eq!(url.judge(&ips(&["8.8.8.8", "10.0.0.1"]), &live()), Err(UrlRefusal::Address(AddressClass::Private)));
    assert_eq!(url.judge(&ips(&["168.63.129.16"]), &live()), Err(UrlRefusal::Address(AddressClass::Metadata)));
    assert_eq!(url.judge(&[], &live()), Err(UrlRefusal::NoAddress));
    assert_eq!(url.judge_unresolved(), Ok(()));
}

#[test]
fn redirects_are_judged_by_form_alone() {
    let sandbox = UrlPolicy { live: false, ..UrlPolicy::default() };
    for text in
        ["https://shop.example.com/thanks?order=1#top", "http://localhost:3000/done", "https://shop.example.com:1234/"]
    {
        assert!(WebUrl::check(text, UrlKind::Redirect, &sandbox).is_ok(), "{text}");
    }
    for (text, refusal) in [
        ("javascript:alert(1)", UrlRefusal::Scheme),
        ("data:text/html,x", UrlRefusal::Scheme),
        ("//evil.example", UrlRefusal::Malformed),
        ("/thanks", UrlRefusal::Malformed),
        ("https://shop.example.com@evil.example/", UrlRefusal::Userinfo),
        ("https:\\\\evil.example", UrlRefusal::ForbiddenCharacter),
        ("java\tscript:alert(1)", UrlRefusal::ForbiddenCharacter),
    ] {
        assert_eq!(WebUrl::check(text, UrlKind::Redirect, &sandbox).unwrap_err(), refusal, "{text}");
    }
    assert_eq!(
        WebUrl::check("http://shop.example.com/", UrlKind::Redirect, &live()).unwrap_err(),
        UrlRefusal::HttpsRequired
    );
}

#[test]
fn debug_shows_the_host_and_nothing_of_path_or_query() {
    let url = webhook("https://hooks.example.com/secret-path?token=canary", &live()).unwrap();
    let shown = format!("{url:?}");
    assert!(shown.contains("hooks.example.com") && !shown.contains("canary") && !shown.contains("secret-path"));
}

#[test]
fn the_parts_for_a_request_are_exact() {
    let url = webhook("https://hooks.example.com:8443/a/b?c=d", &live()).unwrap();
    assert_eq!((url.authority(), url.path_and_query(), url.port()), ("hooks.example.com:8443", "/a/b?c=d", 8443));
    let plain = webhook("https://hooks.example.com", &live()).unwrap();
    assert_eq!((plain.authority(), plain.path_and_query(), plain.port()), ("hooks.example.com", "/", 443));
    assert_eq!(webhook("http://[::1]:9/x", &dev()).unwrap().authority(), "[::1]:9");
}

proptest::proptest! {
    /// Whatever text is let through in live mode: https to a public-looking name on a listed port, and its canonical form says the same.
    #[test]
    fn what_passes_is_ordinary_and_stays_what_it_is(
        scheme in "(?i)(https|http|ftp|javascript)",
        slashes in "(:|:/|://|:///|:////)",
        host in "([a-z0-9.-]{1,12}|[0-9.x]{1,12}|\\[[0-9a-f:.]{1,20}\\]|\\PC{1,8})",
        tail in "(:[0-9]{1,6})?(/\\PC{0,12})?",
    ) {
        let text = format!("{scheme}{slashes}{host}{tail}");
        if let Ok(url) = webhook(&text, &live()) {
            proptest::prop_assert!(url.is_https() && matches!(url.port(), 443 | 8443));
            let WebHost::Name(name) = url.host() else { return Err(proptest::test_runner::TestCaseError::fail(text)) };
            proptest::prop_assert!(name.contains('.') && name.parse::<IpAddr>().is_err() && name.is_ascii());
            proptest::prop_assert_eq!(webhook(url.as_str(), &live()), Ok(url));
        }
    }
}
