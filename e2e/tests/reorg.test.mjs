// A block that held a payment is replaced: the payment is taken back, and credited once when it is mined again.
import assert from "node:assert/strict";
import { assertGapFree, assertStory, UNDONE_CHECKOUT } from "../lib/claims.mjs";
import { CONFIRMATIONS } from "../lib/server.mjs";
import { optionOf, worldTest } from "../lib/world.mjs";

const PRICE = "25.00";
const UNDONE_PAYMENT = ["payment.detected", "payment.reversed", "payment.detected", "payment.confirming", "payment.succeeded"];

/** A checkout whose payment is in the head block, with the raw transaction to send again. */
async function paidInHead(world) {
  await world.addXpubWallet();
  const checkout = await world.checkout(PRICE);
  const { address, atomic } = optionOf(checkout);
  const raw = await world.anvil.signed(world.payer, world.usdt, "transfer", [address, BigInt(atomic)]);
  await world.anvil.mined(await world.anvil.broadcast(raw));
  const payment = await world.paymentOf(checkout.id);
  return { checkout, raw, payment };
}

async function untilReversed(world, { checkout, payment }) {
  const reversed = await world.untilPayment(payment.id, "reversed", ({ status }) => status === "reversed");
  assert.equal(reversed.outcome, "reversed");
  const open = await world.untilCheckout(checkout.id, "open again", ({ status, payment_status }) => status === "open" && payment_status === "unpaid");
  assert.deepEqual(open.exceptions.map(({ type }) => type), ["reorged"]);
  assert.equal(open.exceptions[0].payment, payment.id);
}

async function untilCreditedOnce(world, { checkout, raw, payment }) {
  const hash = await world.anvil.broadcast(raw);
  await world.anvil.mined(hash);
  const again = await world.untilPayment(payment.id, "detected again", ({ status }) => status === "detected");
  assert.ok(again.version > payment.version, "each change raises the version");
  await world.anvil.mine(CONFIRMATIONS - 1);
  const paid = await world.untilCheckout(checkout.id, "complete", ({ status }) => status === "complete");
  assert.equal(paid.payment_status, "paid");
  assert.deepEqual(paid.amount_received, { amount: PRICE, currency: "USD" });
  assert.deepEqual(paid.payments, [payment.id], "it is the same payment");
  assert.deepEqual(paid.exceptions, [], "nothing is open any more");
  const everything = await world.api.events();
  assertGapFree(everything);
  assertStory(everything.events, checkout.id, UNDONE_CHECKOUT);
  assert.equal((await world.api.all("/v1/payments")).length, 1);
  return everything.events;
}

worldTest("a reorg reverses an unfinal payment, and its return is credited once", {}, async (world) => {
  const paid = await paidInHead(world);
  await world.anvil.reorg(1);
  await untilReversed(world, paid);
  const events = await untilCreditedOnce(world, paid);
  // Both confirmations may be seen in one look at the chain; each transition is still told.
  assertStory(events, paid.payment.id, UNDONE_PAYMENT);
});

worldTest("a reorg while the server is down is found at the next start", {}, async (world) => {
  const paid = await paidInHead(world);
  await world.server.kill9();
  await world.anvil.reorg(1);
  await world.anvil.mine();
  await world.server.start();
  await untilReversed(world, paid);
  const events = await untilCreditedOnce(world, paid);
  assertStory(events, paid.payment.id, UNDONE_PAYMENT);
});

worldTest("a payment mined again in the replacing block stays one payment", {}, async (world) => {
  const paid = await paidInHead(world);
  await world.anvil.mine();
  await world.untilPayment(paid.payment.id, "confirming", ({ status }) => status === "confirming");
  await world.server.kill9();
  await world.anvil.reorg(2);
  await world.anvil.mined(await world.anvil.broadcast(paid.raw));
  await world.server.start();
  await world.anvil.mine(CONFIRMATIONS - 1);
  const done = await world.untilCheckout(paid.checkout.id, "complete", ({ status }) => status === "complete");
  assert.deepEqual(done.payments, [paid.payment.id]);
  assert.deepEqual(done.amount_received, { amount: PRICE, currency: "USD" });
  assertGapFree(await world.api.events());
});
