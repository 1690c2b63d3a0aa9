// The server is killed without warning at many points of a payment: afterwards there is one payment, one set of
// events, no gap in any number, and an audit log that verifies.
import assert from "node:assert/strict";
import { PAID_CHECKOUT, PAID_PAYMENT, assertChained, assertGapFree, assertRepeatsAgree, assertStory } from "../lib/claims.mjs";
import { CONFIRMATIONS } from "../lib/server.mjs";
import { worldTest } from "../lib/world.mjs";

const complete = ({ status }) => status === "complete";
const statusOf = (wanted) => ({ status }) => status === wanted;

async function killAndRestart(world, meanwhile = async () => {}) {
  await world.server.kill9();
  await meanwhile();
  await world.server.start();
}

/** Where the kill falls; each moves one fresh, unmined payment on to where its checkout will complete. */
const POINTS = {
  "after the checkout was answered, before the payment is mined": async (world) => {
    await killAndRestart(world);
    await world.anvil.mine(CONFIRMATIONS);
  },
  "while the including block is mined": async (world) => {
    await world.anvil.mine();
    await killAndRestart(world, () => world.anvil.mine(CONFIRMATIONS - 1));
  },
  "right after detection": async (world, checkout) => {
    await world.anvil.mine();
    await world.paymentOf(checkout.id);
    await killAndRestart(world, () => world.anvil.mine());
    await world.anvil.mine(CONFIRMATIONS - 2);
  },
  "while it is confirming": async (world, checkout) => {
    await world.anvil.mine();
    const { id } = await world.paymentOf(checkout.id);
    await world.anvil.mine();
    await world.untilPayment(id, "confirming", statusOf("confirming"));
    await killAndRestart(world);
    await world.anvil.mine(CONFIRMATIONS - 2);
  },
  "in the moment of the last confirmation": async (world, checkout) => {
    await world.anvil.mine(CONFIRMATIONS - 1);
    await world.paymentOf(checkout.id);
    await world.anvil.mine();
    await killAndRestart(world);
  },
  "right after completion, before its webhooks are out": async (world, checkout) => {
    await world.anvil.mine(CONFIRMATIONS);
    await world.untilCheckout(checkout.id, "complete", complete);
    await killAndRestart(world);
  },
};

async function assertOnePaymentEach(world, checkouts, everything) {
  assertGapFree(everything);
  assert.equal((await world.api.all("/v1/payments")).length, checkouts.length, "one payment for each checkout");
  for (const { id } of checkouts) {
    const { payments, payment_status, exceptions } = await world.api.get(`/v1/checkouts/${id}`);
    assert.deepEqual([payments.length, payment_status, exceptions], [1, "paid", []]);
    assertStory(everything.events, id, PAID_CHECKOUT);
    assertStory(everything.events, payments[0], PAID_PAYMENT);
  }
}

/** A kill may make an event arrive twice, never changed and never out of its object's order. */
async function assertReceived(world, everything) {
  await world.untilDelivered();
  assertRepeatsAgree(world.receiver.requests);
  assertChained(world.receiver.distinct);
  const due = everything.events.filter(({ sequence }) => sequence > world.webhookSince);
  assert.deepEqual(new Set(world.receiver.distinct.map(({ id }) => id)), new Set(due.map(({ id }) => id)));
  for (const object of new Set(due.map(({ data }) => data.object?.id).filter(Boolean))) {
    const arrived = world.receiver.distinct.filter(({ data }) => data.object?.id === object).map(({ sequence }) => sequence);
    assert.deepEqual(arrived, [...arrived].sort((a, b) => a - b), `the events of ${object} arrive in their order`);
  }
}

async function assertAuditVerifies(world) {
  await world.server.stop();
  const verified = await world.server.cli("audit", "verify", "--data", world.server.data);
  assert.equal(verified.code, 0, `audit verify: ${verified.stdout}${verified.stderr}`);
}

async function merchantWithWebhook(world) {
  await world.addXpubWallet();
  await world.addWebhook();
}

worldTest("kill -9 at each point between checkout and completion", {}, async (world) => {
  await merchantWithWebhook(world);
  const checkouts = [];
  for (const [point, drive] of Object.entries(POINTS)) {
    const checkout = await world.checkout("15.00", { metadata: { killed: point.slice(0, 40) } });
    await world.pay(checkout);
    await drive(world, checkout);
    await world.untilCheckout(checkout.id, `complete after a kill ${point}`, complete);
    checkouts.push(checkout);
  }
  const everything = await world.api.events();
  await assertOnePaymentEach(world, checkouts, everything);
  await assertReceived(world, everything);
  await assertAuditVerifies(world);
});

worldTest("kill -9 again and again while eight payments are under way", {}, async (world) => {
  await merchantWithWebhook(world);
  const checkouts = [];
  for (let i = 0; i < 8; i += 1) checkouts.push(await world.checkout(`${20 + i}.50`));
  for (const [at, checkout] of checkouts.entries()) {
    await world.pay(checkout);
    await world.anvil.mine();
    // Every second block the power goes; on the others the server gets as far as it gets.
    if (at % 2 === 1) await killAndRestart(world);
  }
  await world.anvil.mine(CONFIRMATIONS);
  await killAndRestart(world);
  for (const { id } of checkouts) await world.untilCheckout(id, "complete", complete);
  const everything = await world.api.events();
  await assertOnePaymentEach(world, checkouts, everything);
  await assertReceived(world, everything);
  await assertAuditVerifies(world);
});

worldTest("a checkout that was answered is there after a kill, and answers the same again", {}, async (world) => {
  await world.addXpubWallet();
  const body = { amount: "11.00", currency: "USD" };
  const options = { body, headers: { "idempotency-key": "order-1042" } };
  const first = await world.api.call("POST", "/v1/checkouts", options);
  assert.equal(first.status, 201, first.text);
  await killAndRestart(world);
  const again = await world.api.call("POST", "/v1/checkouts", options);
  assert.deepEqual([again.status, again.headers.get("idempotent-replayed"), again.text], [201, "true", first.text]);
  assert.equal((await world.api.all("/v1/checkouts")).length, 1);
});
