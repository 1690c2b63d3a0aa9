// Receivers that behave badly, and addresses that nobody may be sent to.
import assert from "node:assert/strict";
import { assertAllAccept, assertAllRefuse } from "../lib/verify.mjs";
import { assertRepeatsAgree } from "../lib/claims.mjs";
import { until } from "../lib/wait.mjs";
import { worldTest } from "../lib/world.mjs";

/** The only delivery of the world's webhook, once it looks as wanted. */
async function untilDelivery(world, what, wanted) {
  const path = `/v1/webhooks/${world.webhook.id}/deliveries`;
  const { data } = await world.untilObject(path, what, ({ data: listed }) => listed.length === 1 && wanted(listed[0]));
  return world.api.get(`/v1/deliveries/${data[0].id}`);
}

const send = (world) => world.api.call("POST", `/v1/webhooks/${world.webhook.id}/test`);
const codes = ({ attempts }) => attempts.map(({ status_code }) => status_code);

worldTest("a redirect is a failure and is not followed", {}, async (world) => {
  const elsewhere = await world.addReceiver();
  world.receiver.answer = () => ({ status: 307, headers: { location: elsewhere.url } });
  await world.addWebhook();
  assert.ok((await send(world)).status < 300);
  const delivery = await untilDelivery(world, "tried once", ({ attempts }) => attempts.length >= 1);
  assert.deepEqual(codes(delivery).slice(0, 1), [307]);
  assert.equal(delivery.status, "pending", "it waits for its next attempt");
  assert.ok(delivery.next_attempt_at > 0);
  assert.equal(elsewhere.requests.length, 0, "nothing went where the redirect pointed");
});

worldTest("a 500 is tried again, signed anew, and ends well", {}, async (world) => {
  world.receiver.answer = (_request, number) => (number === 1 ? 500 : 200);
  await world.addWebhook();
  assert.ok((await send(world)).status < 300);
  const delivery = await untilDelivery(world, "succeeded", ({ status }) => status === "succeeded");
  assert.deepEqual(codes(delivery), [500, 200]);
  assert.deepEqual(delivery.attempts.map(({ number }) => number), [1, 2]);
  const { requests } = world.receiver;
  assert.equal(requests.length, 2);
  assertRepeatsAgree(requests);
  await assertAllAccept(world.secret, requests);
});

worldTest("a receiver that is away when an event happens gets it when it is back", {}, async (world) => {
  let open = false;
  world.receiver.answer = () => (open ? 204 : 503);
  await world.addXpubWallet();
  await world.addWebhook();
  await world.checkout("5.00");
  await untilDelivery(world, "tried once", ({ attempts }) => attempts.length >= 1);
  open = true;
  const delivery = await untilDelivery(world, "succeeded", ({ status }) => status === "succeeded");
  assert.equal(codes(delivery).at(-1), 204, "any 2xx is a success");
  await world.untilDelivered();
});

worldTest("after a rotation both secrets verify until the grace is over", {}, async (world) => {
  await world.addWebhook();
  const rotated = await world.api.act(`/v1/webhooks/${world.webhook.id}/rotate_secret`, { grace_seconds: 3600 });
  assert.match(rotated.signing_secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.notEqual(rotated.signing_secret, world.secret);
  await send(world);
  await world.untilDelivered();
  const last = world.receiver.requests.slice(-1);
  await assertAllAccept(world.secret, last);
  await assertAllAccept(rotated.signing_secret, last);

  await world.api.act(`/v1/webhooks/${world.webhook.id}/rotate_secret`, { grace_seconds: 0 });
  const before = world.receiver.requests.length;
  await send(world);
  await until("the test event after the second rotation", () => world.receiver.events.slice(before).some(({ type }) => type === "webhook.test"));
  await assertAllRefuse(rotated.signing_secret, world.receiver.requests.slice(-1));
});

worldTest("an event can be sent again, under its own id", {}, async (world) => {
  await world.addWebhook();
  await send(world);
  await world.untilDelivered();
  const [event] = world.receiver.distinct;
  const resent = await world.api.call("POST", `/v1/events/${event.id}/resend`, { body: { webhook: world.webhook.id } });
  assert.ok(resent.status < 300, resent.text);
  await until("the event to come again", () => world.receiver.events.filter(({ id }) => id === event.id).length === 2);
  assertRepeatsAgree(world.receiver.requests);
  await assertAllAccept(world.secret, world.receiver.requests);
});

const REFUSED_URLS = [
  "http://10.0.0.1/hook", "http://192.168.1.1/hook", "http://169.254.169.254/latest/meta-data", "http://0x0a000001/hook", "http://167772161/hook",
  "http://[::ffff:10.0.0.1]/hook", "http://[fd00::1]/hook", "http://[fe80::1]/hook", "http://0.0.0.0/hook",
  "ftp://127.0.0.1/hook", "file:///etc/passwd", "http://user:pass@127.0.0.1/hook", "not a url",
];

worldTest("webhooks to private, link-local and odd addresses are refused in every notation", {}, async (world) => {
  for (const url of REFUSED_URLS) {
    const refused = await world.api.call("POST", "/v1/webhooks", { body: { url, enabled_events: ["*"] } });
    assert.deepEqual([refused.status, refused.body.code], [422, "url_not_allowed"], `${url}: ${refused.text}`);
  }
  assert.equal((await world.api.get("/v1/webhooks")).data.length, 0, "nothing was written");
});
