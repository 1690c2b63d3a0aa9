// What 02 and 13 promise about events, as assertions that several tests share.
import assert from "node:assert/strict";

/** The account's events are numbered from 1 without a gap, and the head names the last. */
export function assertGapFree({ events, head }) {
  assert.deepEqual(events.map((event) => event.sequence), events.map((_, at) => at + 1), "sequence is gap-free from 1");
  assert.equal(head.sequence, events.length, "the head is the last event");
  assert.equal(new Set(events.map((event) => event.id)).size, events.length, "no event is there twice");
}

/** One webhook's events are numbered from 1 without a gap, and each names the one before. */
export function assertChained(distinct) {
  const ordered = [...distinct].sort((a, b) => a.endpoint_sequence - b.endpoint_sequence);
  assert.deepEqual(ordered.map((event) => event.endpoint_sequence), ordered.map((_, at) => at + 1), "endpoint_sequence is gap-free from 1");
  assert.deepEqual(
    ordered.map((event) => event.previous_event),
    [null, ...ordered.slice(0, -1).map((event) => event.id)],
    "previous_event is the id of the webhook's event before",
  );
  const sequences = ordered.map((event) => event.sequence);
  assert.deepEqual(sequences, [...sequences].sort((a, b) => a - b), "both numbers rise together");
}

/** Every attempt for one event carried the same event and the same numbers. */
export function assertRepeatsAgree(requests) {
  const first = new Map();
  for (const { headers, body } of requests) {
    const event = JSON.parse(body);
    assert.equal(headers["webhook-id"], event.id, "webhook-id is the event's id");
    const { endpoint_sequence, sequence } = first.get(event.id) ?? event;
    assert.deepEqual([event.endpoint_sequence, event.sequence], [endpoint_sequence, sequence], "a retry keeps its numbers");
    first.set(event.id, event);
  }
}

/** The types of the events about one object, in the given order of events. */
export function typesOf(events, objectId) {
  return events.filter((event) => event.data.object?.id === objectId).map((event) => event.type);
}

/** Fails unless the events about one object are exactly these, in this order. */
export function assertStory(events, objectId, expected) {
  assert.deepEqual(typesOf(events, objectId), expected, `the story of ${objectId}`);
}

export const PAID_CHECKOUT = ["checkout.created", "checkout.processing", "checkout.completed"];
export const PAID_PAYMENT = ["payment.detected", "payment.confirming", "payment.succeeded"];
export const UNDONE_CHECKOUT = ["checkout.created", "checkout.processing", "checkout.reorged", "checkout.processing", "checkout.completed"];
