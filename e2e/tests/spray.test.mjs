// Several transfers in one transaction: each that counts is credited exactly once, and nothing else is.
import assert from "node:assert/strict";
import { parseEventLogs } from "viem";
import { CONFIRMATIONS } from "../lib/server.mjs";
import { FINALIZED_LAG_BLOCKS } from "../lib/anvil.mjs";
import { PAID_CHECKOUT, assertGapFree, assertStory } from "../lib/claims.mjs";
import { optionOf, worldTest } from "../lib/world.mjs";

const GAS_PER_LEG = 100_000n;
const CROWD = 100;
const ALLOWANCE = 10n ** 12n;

async function addSpray(world) {
  world.spray = await world.anvil.deploy("Spray", [], world.payer);
  for (const token of [world.usdt, world.foreign]) {
    await world.anvil.mined(await world.anvil.send(world.payer, token, "approve", [world.spray.address, ALLOWANCE]));
  }
}

async function spray(world, legs) {
  const args = [legs.map(([token, to, value]) => ({ token: token.address, to, value }))];
  return world.anvil.mined(await world.anvil.send(world.payer, world.spray, "spray", args, GAS_PER_LEG * BigInt(legs.length + 1)));
}

const complete = ({ status }) => status === "complete";

worldTest("two checkouts paid in one transaction, among transfers that don't count", {}, async (world) => {
  await world.addXpubWallet();
  await addSpray(world);
  const prices = ["10.00", "20.00"];
  const checkouts = [await world.checkout(prices[0]), await world.checkout(prices[1])];
  const bystander = await world.checkout("30.00");
  const [first, second, third] = [...checkouts, bystander].map(optionOf);
  const receipt = await spray(world, [
    [world.usdt, first.address, 0n],
    [world.foreign, first.address, BigInt(first.atomic)],
    [world.usdt, first.address, BigInt(first.atomic)],
    [world.foreign, third.address, BigInt(third.atomic)],
    [world.usdt, second.address, BigInt(second.atomic)],
    [world.usdt, third.address, 0n],
    [world.usdt, world.payer.address, 1n],
  ]);
  assert.equal(parseEventLogs({ abi: world.usdt.abi, logs: receipt.logs, eventName: "Transfer" }).length, 7, "every leg emitted a Transfer");
  await world.anvil.mine(CONFIRMATIONS - 1);
  for (const [at, { id }] of checkouts.entries()) {
    const paid = await world.untilCheckout(id, "complete", complete);
    assert.equal(paid.payment_status, "paid");
    assert.equal(paid.payments.length, 1);
    assert.deepEqual(paid.amount_received, { amount: prices[at], currency: "USD" });
  }
  const payments = await world.api.all("/v1/payments");
  assert.equal(payments.length, 2, "zero values, foreign tokens and strangers' addresses make no payment");
  assert.deepEqual(new Set(payments.map(({ checkout }) => checkout)), new Set(checkouts.map(({ id }) => id)));
  assert.deepEqual(new Set(payments.map(({ transaction }) => transaction.hash)), new Set([receipt.transactionHash]));
  const untouched = await world.api.get(`/v1/checkouts/${bystander.id}`);
  assert.deepEqual([untouched.status, untouched.payment_status, untouched.payments], ["open", "unpaid", []]);
  assertGapFree(await world.api.events());
});

worldTest("one checkout paid by two equal halves in one transaction", {}, async (world) => {
  await world.addXpubWallet();
  await addSpray(world);
  const checkout = await world.checkout("40.00");
  const { address, atomic } = optionOf(checkout);
  const half = BigInt(atomic) / 2n;
  await spray(world, [[world.usdt, address, half], [world.usdt, address, half]]);
  await world.anvil.mine(CONFIRMATIONS - 1);
  const paid = await world.untilCheckout(checkout.id, "complete", complete);
  assert.equal(paid.payment_status, "paid");
  assert.equal(new Set(paid.payments).size, 2, "two transfers are two payments");
  assert.deepEqual(paid.amount_received, { amount: "40.00", currency: "USD" });
  const outcomes = [];
  for (const id of paid.payments) outcomes.push((await world.api.get(`/v1/payments/${id}`)).outcome);
  assert.ok(outcomes.includes("exact"), `the last of the two completes the sum (${outcomes})`);
});

worldTest("a hundred checkouts paid in one transaction", {}, async (world) => {
  await world.addXpubWallet();
  await addSpray(world);
  const checkouts = await Promise.all(Array.from({ length: CROWD }, (_, at) => world.checkout(`${at + 1}.00`)));
  const addresses = checkouts.map((checkout) => optionOf(checkout).address);
  assert.equal(new Set(addresses).size, CROWD, "checkouts made at the same moment never share an address");
  // In another order than they were made in.
  const legs = checkouts.map((checkout) => [world.usdt, optionOf(checkout).address, BigInt(optionOf(checkout).atomic)]).reverse();
  await spray(world, legs);
  await world.anvil.mine(FINALIZED_LAG_BLOCKS);
  for (const { id } of checkouts) {
    const { payment_status, payments } = await world.untilCheckout(id, "complete", complete);
    assert.deepEqual([payment_status, payments.length], ["paid", 1]);
  }
  assert.equal((await world.api.all("/v1/payments")).length, CROWD);
  const everything = await world.api.events();
  assertGapFree(everything);
  for (const { id } of checkouts) assertStory(everything.events, id, PAID_CHECKOUT);
});

worldTest("under, then the rest; and over", {}, async (world) => {
  await world.addXpubWallet();
  const short = await world.checkout("12.00");
  const over = await world.checkout("13.00");
  await world.pay(short, 5_000_000n);
  await world.pay(over, 14_500_000n);
  await world.anvil.mine(CONFIRMATIONS);
  const partly = await world.untilCheckout(short.id, "partly paid", ({ payment_status }) => payment_status === "partially_paid");
  assert.deepEqual([partly.status, partly.exceptions.map(({ type }) => type)], ["open", ["underpaid"]]);
  assert.deepEqual(partly.amount_received, { amount: "5.00", currency: "USD" });
  const surplus = await world.untilCheckout(over.id, "complete", complete);
  assert.deepEqual([surplus.payment_status, surplus.exceptions.map(({ type }) => type)], ["overpaid", ["overpaid"]]);
  await world.pay(short, 7_000_000n);
  await world.anvil.mine(CONFIRMATIONS);
  const rest = await world.untilCheckout(short.id, "complete", complete);
  assert.deepEqual([rest.payment_status, rest.exceptions], ["paid", []]);
  assert.equal(rest.payments.length, 2);
});
