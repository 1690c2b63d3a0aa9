//! Records rather than objects: deliveries and their attempts, audit entries and proofs, request lines.

use crate::{Scene, names};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use handsel_core::change::RequestRow;
use handsel_core::delivery::{Attempt, Delivery, State};
use handsel_core::event::Event;
use handsel_core::id::{AuditId, WebhookId};
use handsel_core::port::ReceivedRequest;
use handsel_types::answers as t;

pub fn attempt(attempt: &Attempt) -> t::Attempt {
    t::Attempt {
        number: attempt.number,
        at: attempt.at.seconds(),
        trigger: names::trigger(&attempt.trigger).to_owned(),
        status_code: attempt.status_code,
        error: attempt.error.map(|e| e.name().to_owned()),
        timing_ms: t::TimingMs {
            dns: attempt.timing.dns_ms,
            connect: attempt.timing.connect_ms,
            tls: attempt.timing.tls_ms,
            first_byte: attempt.timing.first_byte_ms,
            total: attempt.timing.total_ms,
        },
        request_headers: attempt.request_headers.iter().cloned().collect(),
        response_headers: attempt.response_headers.iter().cloned().collect(),
        response_body: String::from_utf8_lossy(&attempt.response_body).into_owned(),
    }
}

pub fn delivery(scene: Scene<'_>, delivery: &Delivery, attempts: &[Attempt]) -> t::Delivery {
    let next_attempt_at = match delivery.state {
        State::Pending { due } => Some(due.seconds()),
        _ => None,
    };
    t::Delivery {
        id: delivery.id.to_string(),
        object: "delivery".to_owned(),
        livemode: scene.livemode,
        created: delivery.created.seconds(),
        version: delivery.version,
        event: delivery.event.to_string(),
        webhook: delivery.webhook.to_string(),
        status: names::delivery_status(&delivery.state).to_owned(),
        endpoint_sequence: delivery.endpoint_sequence,
        attempts: attempts.iter().map(attempt).collect(),
        next_attempt_at,
    }
}

/// `leaf` are the exact bytes that proofs are about.
pub fn audit_entry(
    scene: Scene<'_>,
    id: AuditId,
    leaf: &handsel_core::audit::Leaf,
    bytes: &[u8],
    index: Option<u64>,
) -> t::AuditEntry {
    t::AuditEntry {
        id: id.to_string(),
        object: "audit_entry".to_owned(),
        livemode: scene.livemode,
        created: leaf.time.seconds(),
        index,
        leaf: STANDARD.encode(bytes),
        actor: leaf.actor.to_string(),
        action: leaf.action.clone(),
        target: leaf.object.clone(),
        request: leaf.request.map(|r| r.to_string()),
        result: leaf.result.clone(),
    }
}

pub fn checkpoint(origin: &str, size: u64, root: &[u8; 32], note: String) -> t::AuditCheckpoint {
    t::AuditCheckpoint { origin: origin.to_owned(), size, root: STANDARD.encode(root), note }
}

pub fn inclusion(index: u64, size: u64, leaf_hash: &[u8; 32], hashes: &[[u8; 32]]) -> t::InclusionProof {
    t::InclusionProof { index, size, leaf_hash: STANDARD.encode(leaf_hash), hashes: encode(hashes) }
}

pub fn consistency(from: u64, to: u64, hashes: &[[u8; 32]]) -> t::ConsistencyProof {
    t::ConsistencyProof { from, to, hashes: encode(hashes) }
}

fn encode(hashes: &[[u8; 32]]) -> Vec<String> {
    hashes.iter().map(|h| STANDARD.encode(h)).collect()
}

pub fn request(scene: Scene<'_>, row: &RequestRow) -> t::Request {
    t::Request {
        id: row.id.to_string(),
        object: "request".to_owned(),
        livemode: scene.livemode,
        created: row.created.seconds(),
        method: row.method.clone(),
        route: row.route.clone(),
        status: row.status,
        code: row.code.clone(),
        api_key: row.key.map(|k| k.to_string()),
        duration_ms: row.duration_ms,
        ip_prefix: row.ip_prefix.clone(),
    }
}

pub fn requeued(webhook: WebhookId, count: u64) -> t::Requeued {
    t::Requeued { object: "requeued".to_owned(), webhook: webhook.to_string(), requeued: count }
}

pub fn head(sequence: u64, digest: &[u8; 32], signature: &[u8]) -> t::EventHead {
    t::EventHead { sequence, digest: STANDARD.encode(digest), signature: STANDARD.encode(signature) }
}

pub fn received_requests(requests: &[ReceivedRequest]) -> t::ReceivedRequests {
    let data = requests.iter().map(|r| t::ReceivedRequest {
        at: r.at.seconds(),
        method: r.method.clone(),
        headers: r.headers.iter().cloned().collect(),
        body: r.body.clone(),
    });
    t::ReceivedRequests { data: data.collect() }
}

/// A timeline line out of an event.
pub fn timeline(event: &Event) -> t::TimelineEntry {
    t::TimelineEntry {
        kind: event.new.kind.name().to_owned(),
        created: event.new.created.seconds(),
        event: event.new.id.to_string(),
    }
}
