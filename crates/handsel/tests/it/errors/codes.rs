//! The account of it: for each code the test that provokes it, or why nothing can yet.

use crate::tidy::{root, sources};
use handsel_engine::Code;
use std::collections::BTreeSet;

/// `(code, file, test)`.
const PROVOKED: &[(Code, &str, &str)] = &[
    (Code::ParameterMissing, "errors/bodies", "members_are_checked_by_name"),
    (Code::ParameterInvalid, "errors/bodies", "members_are_checked_by_name"),
    (Code::ParameterUnknown, "errors/bodies", "members_are_checked_by_name"),
    (Code::WrongIdType, "errors/bodies", "ids_name_their_kind"),
    (Code::JsonInvalid, "errors/bodies", "json_is_json"),
    (Code::ApiKeyLeaked, "errors/keys", "a_key_in_a_query_or_a_body_is_revoked"),
    (Code::AuthenticationRequired, "errors/keys", "a_bearer_key_is_the_only_way_in"),
    (Code::ApiKeyInvalid, "errors/keys", "keys_that_are_none"),
    (Code::ApiKeyRevoked, "errors/keys", "keys_that_were"),
    (Code::ApiKeyExpired, "errors/keys", "keys_that_were"),
    (Code::ApiKeyWrongMode, "errors/keys", "keys_that_are_none"),
    (Code::PermissionDenied, "errors/keys", "a_key_grants_no_more_than_it_has"),
    (Code::IpNotAllowed, "errors/keys", "keys_for_somewhere_else"),
    (Code::OriginNotAllowed, "errors/keys", "keys_for_somewhere_else"),
    (Code::ResourceMissing, "errors/keys", "another_tenants_objects_are_not_there"),
    (Code::RouteMissing, "errors/bodies", "paths_and_methods_are_known_ones"),
    (Code::MethodNotAllowed, "errors/bodies", "paths_and_methods_are_known_ones"),
    (Code::StateConflict, "errors/conditions", "states_are_named_with_what_is_allowed"),
    (Code::VersionMismatch, "errors/conditions", "versions_guard_changes"),
    (Code::BodyTooLarge, "errors/bodies", "bodies_are_json_of_a_bounded_size"),
    (Code::ContentTypeUnsupported, "errors/bodies", "bodies_are_json_of_a_bounded_size"),
    (Code::AmountBelowMinimum, "errors/values", "amounts_and_currencies"),
    (Code::AmountAboveMaximum, "errors/values", "amounts_and_currencies"),
    (Code::CurrencyUnsupported, "errors/values", "amounts_and_currencies"),
    (Code::NetworkUnavailable, "errors/values", "networks_and_ways_to_pay"),
    (Code::NoPaymentOption, "errors/values", "networks_and_ways_to_pay"),
    (Code::UrlNotAllowed, "errors/urls", "webhook_urls_are_whole_and_plain"),
    (Code::AddressInvalid, "errors/values", "addresses_have_their_checksum_and_are_no_contracts"),
    (Code::PrivateKeyRefused, "errors/values", "what_could_spend_is_refused_and_never_repeated"),
    (Code::SignatureInvalid, "errors/values", "a_wallet_is_proved_by_its_own_signature"),
    (Code::IdempotencyKeyReused, "errors/conditions", "another_request_under_the_same_key_is_refused"),
    (Code::RateLimited, "errors/keys", "whoever_asks_too_much_waits"),
    (Code::CheckoutProcessing, "payments/commands", "what_is_being_confirmed_can_not_be_ended"),
    (Code::IdempotencyInProgress, "idempotency", "who_comes_while_the_first_still_runs_is_told_so"),
    (Code::DependencyUnavailable, "errors/breakdowns", "a_database_that_is_gone_is_said_so"),
    (Code::StorageFull, "errors/breakdowns", "a_full_disk_changes_nothing"),
    (Code::Overloaded, "errors/breakdowns", "who_loses_every_race_may_come_again"),
    (Code::Internal, "errors/breakdowns", "a_row_that_makes_no_sense_is_our_fault"),
];

/// Codes that no route of today gives, and why: no source names them. The list only shrinks.
const NOT_YET: &[(Code, &str)] = &[
    (Code::IdempotencyKeyRequired, "transfers and refunds alone ask for it"),
    (Code::SessionExpired, "there are no sessions"),
    (Code::PayeeNotResolvable, "there is no directory"),
    (Code::RefundExceedsPayment, "there are no refunds"),
    (Code::QueueFull, "there is no queue of transfers"),
];

#[test]
fn every_code_has_its_test_or_its_reason() {
    let listed = PROVOKED.iter().map(|(code, ..)| code.name()).chain(NOT_YET.iter().map(|(code, _)| code.name()));
    let listed: Vec<&str> = listed.collect();
    let unique: BTreeSet<&str> = listed.iter().copied().collect();
    let all: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(unique, all);
    assert_eq!(listed.len(), unique.len(), "no code is in both lists or twice in one");
    for (code, file, test) in PROVOKED {
        let path = root().join(format!("crates/handsel/tests/it/{file}.rs"));
        let source = std::fs::read_to_string(&path).unwrap();
        let body = source.split(&format!("fn {test}(")).nth(1);
        let body = body.unwrap_or_else(|| panic!("{file} has no {test}")).split("fn ").next().unwrap();
        let reviewed = format!(".reviewed({}, \"{}\")", code.status(), code.name());
        assert!(body.contains(&reviewed), "{file}::{test} provokes {} and says {reviewed}", code.name());
    }
    assert!(NOT_YET.len() <= 5, "the list only shrinks");
}

#[test]
fn every_provoked_code_has_its_reviewed_body() {
    let folder = root().join("crates/handsel/tests/it/snapshots/reviewed");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let codes = names.filter_map(|name| Some(name.strip_prefix("problem_")?.strip_suffix(".snap")?.to_owned()));
    let wanted: BTreeSet<String> = PROVOKED.iter().map(|(code, ..)| code.name().to_owned()).collect();
    assert_eq!(codes.collect::<BTreeSet<_>>(), wanted);
}

#[test]
fn what_nothing_provokes_is_given_by_nobody() {
    for path in sources().iter().filter(|path| !path.ends_with("handsel-engine/src/refusal.rs")) {
        let source = std::fs::read_to_string(path).unwrap();
        for (code, _) in NOT_YET {
            let named = format!("Code::{code:?}");
            assert!(!source.contains(&named), "{} gives {named}: provoke it and take it off the list", path.display());
        }
    }
}
