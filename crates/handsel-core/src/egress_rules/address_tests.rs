#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn class_of(text: &str) -> AddressClass {
    classify(text.parse().unwrap())
}

/// First and last address of each blocked block, and its public neighbours.
#[test]
fn the_ipv4_table_has_exact_edges() {
    let blocked = [
        ("0.0.0.0", "0.255.255.255", AddressClass::Unspecified),
        ("10.0.0.0", "10.255.255.255", AddressClass::Private),
        ("100.64.0.0", "100.127.255.255", AddressClass::SharedCarrier),
        ("127.0.0.0", "127.255.255.255", AddressClass::Loopback),
        ("169.254.0.0", "169.254.255.255", AddressClass::LinkLocal),
        ("172.16.0.0", "172.31.255.255", AddressClass::Private),
        ("192.0.0.0", "192.0.0.255", AddressClass::ProtocolAssignment),
        ("192.0.2.0", "192.0.2.255", AddressClass::Documentation),
        ("192.31.196.0", "192.31.196.255", AddressClass::SpecialService),
        ("192.52.193.0", "192.52.193.255", AddressClass::SpecialService),
        ("192.88.99.0", "192.88.99.255", AddressClass::RelayAnycast),
        ("192.168.0.0", "192.168.255.255", AddressClass::Private),
        ("192.175.48.0", "192.175.48.255", AddressClass::SpecialService),
        ("198.18.0.0", "198.19.255.255", AddressClass::Benchmarking),
        ("198.51.100.0", "198.51.100.255", AddressClass::Documentation),
        ("203.0.113.0", "203.0.113.255", AddressClass::Documentation),
        ("224.0.0.0", "239.255.255.255", AddressClass::Multicast),
        ("240.0.0.0", "255.255.255.254", AddressClass::Reserved),
        ("255.255.255.255", "255.255.255.255", AddressClass::Broadcast),
    ];
    for (first, last, class) in blocked {
        assert_eq!(class_of(first), class, "{first}");
        assert_eq!(class_of(last), class, "{last}");
    }
    let neighbours = [
        "1.0.0.0",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "191.255.255.255",
        "192.0.1.0",
        "192.0.3.0",
        "192.31.195.255",
        "192.31.197.0",
        "192.52.192.255",
        "192.52.194.0",
        "192.88.98.255",
        "192.88.100.0",
        "192.167.255.255",
        "192.169.0.0",
        "192.175.47.255",
        "192.175.49.0",
        "198.17.255.255",
        "198.20.0.0",
        "198.51.99.255",
        "198.51.101.0",
        "203.0.112.255",
        "203.0.114.0",
        "223.255.255.255",
        "8.8.8.8",
        "168.63.129.15",
        "168.63.129.17",
    ];
    for text in neighbours {
        assert_eq!(class_of(text), AddressClass::Public, "{text}");
    }
}

#[test]
fn the_ipv6_table_keeps_only_global_unicast() {
    let blocked = [
        ("::", AddressClass::Unspecified),
        ("::1", AddressClass::Loopback),
        ("::ffff:8.8.8.8", AddressClass::Mapped),
        ("::ffff:127.0.0.1", AddressClass::Mapped),
        ("::8.8.8.8", AddressClass::Compatible),
        ("::127.0.0.1", AddressClass::Compatible),
        ("::ffff:0:8.8.8.8", AddressClass::Translated),
        ("64:ff9b::8.8.8.8", AddressClass::Nat64),
        ("64:ff9b:1::8.8.8.8", AddressClass::Nat64),
        ("64:ff9b:1:ffff:ffff:ffff:ffff:ffff", AddressClass::Nat64),
        ("64:ff9b:2::1", AddressClass::Reserved),
        ("::5efe:10.0.0.1", AddressClass::Reserved),
        ("100::1", AddressClass::Discard),
        ("100:0:0:1::1", AddressClass::Discard),
        ("1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", AddressClass::Reserved),
        ("2001::1", AddressClass::Teredo),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", AddressClass::Teredo),
        ("2001:2::1", AddressClass::ProtocolAssignment),
        ("2001:10::1", AddressClass::ProtocolAssignment),
        ("2001:20::1", AddressClass::ProtocolAssignment),
        ("2001:1ff:ffff::1", AddressClass::ProtocolAssignment),
        ("2001:db8::1", AddressClass::Documentation),
        ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", AddressClass::Documentation),
        ("2002:7f00:1::1", AddressClass::SixToFour),
        ("2002:808:808::1", AddressClass::SixToFour),
        ("3fff::1", AddressClass::Documentation),
        ("3fff:fff:ffff::1", AddressClass::Documentation),
        ("4000::1", AddressClass::Reserved),
        ("5f00::1", AddressClass::SegmentRouting),
        ("fc00::1", AddressClass::UniqueLocal),
        ("fdff:ffff::1", AddressClass::UniqueLocal),
        ("fe00::1", AddressClass::Reserved),
        ("fe80::1", AddressClass::LinkLocal),
        ("febf::1", AddressClass::LinkLocal),
        ("fec0::1", AddressClass::SiteLocal),
        ("feff::1", AddressClass::SiteLocal),
        ("ff02::1", AddressClass::Multicast),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", AddressClass::Multicast),
    ];
    for (text, class) in blocked {
        assert_eq!(class_of(text), class, "{text}");
    }
    for text in [
        "2000::1",
        "2001:200::1",
        "2001:db7::1",
        "2001:db9::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700::1111",
        "3ffe::1",
        "3fff:1000::1",
    ] {
        assert_eq!(class_of(text), AddressClass::Public, "{text}");
    }
}

#[test]
fn metadata_services_stay_closed_in_every_notation_and_in_every_opened_block() {
    let everything = AddressPolicy::from_texts(&["0.0.0.0/0", "::/0"], &["2a00:1:2::/96", "2a00:1::/32"]).unwrap();
    let texts = [
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "169.254.170.2",
        "fd00:ec2::254",
        "fd00:0ec2:0000:0000:0000:0000:0000:0254",
        "[fd00:ec2::254]",
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "::169.254.169.254",
        "::ffff:0:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:ff9b::a83f:8110",
        "64:ff9b:1:a9fe:a9:fe00::",
        "2002:a9fe:a9fe::1",
        "2001:0:a9fe:a9fe::1",
        "2001:0:1:1:0:0:5601:5601",
        "2a00:1:2::169.254.169.254",
        "2a00:1:a9fe:a9fe::",
        "fe80::5efe:169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0xA9.0xFE.0xA9.0xFE",
        "0251.0376.0251.0376",
        "169.16689662",
        "169.254.43518",
    ];
    for text in texts {
        let judged = everything.judge_text(text);
        assert_eq!((judged.verdict, judged.class), (Verdict::Block, AddressClass::Metadata), "{text}");
    }
}

#[test]
fn an_opened_block_opens_only_what_it_names() {
    let policy = AddressPolicy::from_texts::<_, &str>(&["127.0.0.0/8", "::1/128", "10.9.8.7"], &[]).unwrap();
    for text in ["127.0.0.1", "127.255.0.3", "::1", "10.9.8.7"] {
        let judged = policy.judge_text(text);
        assert!(judged.is_allowed() && judged.opened, "{text}");
    }
    for text in ["10.9.8.6", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::127.0.0.1", "192.168.0.1", "::2"] {
        assert!(!policy.judge_text(text).is_allowed(), "{text}");
    }
    let public = policy.judge_text("8.8.8.8");
    assert!(public.is_allowed() && !public.opened);
}

#[test]
fn a_configured_nat64_prefix_is_judged_by_the_address_inside() {
    let policy = AddressPolicy::from_texts::<&str, _>(&[], &["64:ff9b::/96", "2a00:1::/32"]).unwrap();
    assert!(policy.judge_text("64:ff9b::8.8.8.8").is_allowed());
    assert_eq!(policy.judge_text("64:ff9b::10.0.0.1").class, AddressClass::Private);
    assert!(policy.judge_text("2a00:1:808:808::").is_allowed());
    assert!(!policy.judge_text("2a00:1:a00:1::").is_allowed());
    assert!(!AddressPolicy::strict().judge_text("64:ff9b::8.8.8.8").is_allowed());
}

#[test]
fn every_notation_of_loopback_is_loopback() {
    for text in [
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.01",
        "１２７.0.0.1",
        "127。0。0。1",
        "[::1]",
        "::1%lo",
        "0:0:0:0:0:0:0:1",
    ] {
        let judged = AddressPolicy::strict().judge_text(text);
        assert_eq!((judged.verdict, judged.class), (Verdict::Block, AddressClass::Loopback), "{text}");
    }
}

#[test]
fn what_is_no_address_is_blocked() {
    for text in ["", "example.com", "1.2.3.4.5", "256.256.256.256", "::g", "12345::", "1.2.3.4/8"] {
        let judged = AddressPolicy::strict().judge_text(text);
        assert_eq!((judged.verdict, judged.class), (Verdict::Block, AddressClass::NotAnAddress), "{text}");
    }
}

#[test]
fn a_bad_entry_is_named_by_its_position() {
    assert_eq!(
        AddressPolicy::from_texts::<_, &str>(&["10.0.0.0/8", "10.0.0.0/33"], &[]).unwrap_err(),
        PolicyError::AllowedCidr(1)
    );
    assert_eq!(AddressPolicy::from_texts::<&str, _>(&[], &["64:ff9b::/95"]).unwrap_err(), PolicyError::Nat64Prefix(0));
}

/// The whole of IPv4 in steps: the classifier agrees with the standard library wherever that one knows a block.
#[test]
fn no_address_that_the_standard_library_calls_special_is_public() {
    let mut at: u32 = 0;
    loop {
        let ip = Ipv4Addr::from(at);
        let special = ip.is_private()
            || ip.is_loopback()
            || ip.is_link_local()
            || ip.is_multicast()
            || ip.is_broadcast()
            || ip.is_documentation()
            || ip.is_unspecified();
        assert!(!special || classify(IpAddr::V4(ip)) != AddressClass::Public, "{ip}");
        match at.checked_add(65_521) {
            Some(next) => at = next,
            None => break,
        }
    }
}

proptest::proptest! {
    /// The table against the words of the requirement: only 2000::/3, minus four blocks, and never a metadata address.
    #[test]
    fn the_ipv6_table_is_the_requirement(prefix in proptest::sample::select(vec![
        0x0000_u16, 0x0064, 0x0100, 0x1fff, 0x2000, 0x2001, 0x2002, 0x2003, 0x2a00, 0x3ffe, 0x3fff, 0x4000, 0x5f00, 0xfc00, 0xfe80, 0xfec0, 0xff02,
    ]), second in proptest::prelude::any::<u16>(), rest in proptest::prelude::any::<[u16; 6]>()) {
        let [c, d, e, f, g, h] = rest;
        let ip = Ipv6Addr::new(prefix, second, c, d, e, f, g, h);
        let within = |block: &str| block.parse::<Ipv6Net>().unwrap().contains(&ip);
        let minus = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];
        let open = within("2000::/3") && !minus.into_iter().any(within);
        proptest::prop_assert_eq!(AddressPolicy::strict().judge(IpAddr::V6(ip)).is_allowed(), open);
    }
}
