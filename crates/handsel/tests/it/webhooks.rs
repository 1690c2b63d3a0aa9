//! Webhooks at a real receiver on loopback: what arrives, how it is signed, what happens when it doesn't get through.

mod again;
mod failures;
mod missing;
mod rotation;
mod shapes;

use crate::harness::{Receiver, Server, field};
use handsel_core::secret::SecretText;
use handsel_core::signature;
use serde_json::Value;

/// Seconds after which every retry of these tests is due.
const HOURS: u64 = 4 * 3_600;

/// A header of a received request.
fn header(request: &Value, name: &str) -> String {
    request["headers"][name].as_str().unwrap_or_else(|| panic!("{name} in {request}")).to_owned()
}

fn body(request: &Value) -> Value {
    serde_json::from_str(&field(request, "body")).unwrap()
}

/// The types of what was received.
fn kinds(requests: &[Value]) -> Vec<String> {
    requests.iter().map(|request| field(&body(request), "type")).collect()
}

/// Checks both signatures of a request with one secret, as a receiver does.
#[track_caller]
fn verified(secret: &str, request: &Value) {
    let (text, raw) = (SecretText::new(secret), field(request, "body"));
    let time: i64 = header(request, "webhook-timestamp").parse().unwrap();
    signature::verify(&text, &header(request, "handsel-signature"), raw.as_bytes(), time, 0).unwrap();
    let id = header(request, "webhook-id");
    assert_eq!(id, field(&body(request), "id"));
    let wanted = signature::standard(&[text], &id, time, raw.as_bytes());
    let given = header(request, "webhook-signature");
    assert!(given.split(' ').any(|one| one == wanted), "{given} holds {wanted}");
}

/// How many of a request's `v1` signatures are of this secret, by place: 0 is the first.
fn place_of(secret: &str, request: &Value) -> Option<usize> {
    let time: i64 = header(request, "webhook-timestamp").parse().unwrap();
    let wanted = signature::handsel(&[SecretText::new(secret)], time, field(request, "body").as_bytes());
    let wanted = wanted.split_once(",v1=").unwrap().1.to_owned();
    header(request, "handsel-signature").split(",v1=").skip(1).position(|given| given == wanted)
}

/// The last of at least so many requests.
async fn last(s: &Server, receiver: &Receiver, count: usize) -> Value {
    s.receives(receiver, count).await.pop().unwrap()
}
