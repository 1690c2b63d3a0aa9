// The main job: a checkout made over HTTP, paid by a plain ERC-20 transfer on a real node, told by signed webhooks.
import assert from "node:assert/strict";
import { FINALIZED_LAG_BLOCKS } from "../lib/anvil.mjs";
import { PAID_CHECKOUT, PAID_PAYMENT, assertChained, assertGapFree, assertRepeatsAgree, assertStory } from "../lib/claims.mjs";
import { throwawayDatabase } from "../lib/postgres.mjs";
import { CONFIRMATIONS } from "../lib/server.mjs";
import { assertAllAccept, assertAllRefuse } from "../lib/verify.mjs";
import { optionOf, worldTest } from "../lib/world.mjs";

const PRICE = "19.99";
const PRICE_ATOMIC = "19990000";

function assertOption(world, option) {
  const index = world.merchant.indexOf(option.address);
  assert.ok(index >= 1, `the address ${option.address} is the wallet's own, at an index from 1 (it is at ${index})`);
  assert.equal(option.address, world.merchant.address(index), "it is written with its EIP-55 checksum");
  const { network, caip2, chain_id, asset, token, amount, atomic, decimals, router } = option;
  assert.deepEqual(
    { network, caip2, chain_id, asset, amount, atomic, decimals, router },
    {
      network: "ethereum", caip2: "eip155:31337", chain_id: 31337, asset: "USDT",
      amount: "19.990000", atomic: PRICE_ATOMIC, decimals: 6, router: null,
    },
  );
  assert.equal(token.toLowerCase(), world.usdt.address.toLowerCase());
  assert.match(option.uri, /^ethereum:/);
}

function assertPayment(payment, { checkout, hash, receipt, world }) {
  const { object, livemode, type, network, asset, status, outcome, required_confirmations, requires_finalized } = payment;
  assert.deepEqual(
    { object, livemode, checkout: payment.checkout, type, network, asset, status, outcome, required_confirmations, requires_finalized },
    {
      object: "payment", livemode: false, checkout: checkout.id, type: "evm", network: "ethereum", asset: "USDT",
      status: "succeeded", outcome: "exact", required_confirmations: CONFIRMATIONS, requires_finalized: false,
    },
  );
  assert.deepEqual(payment.amount, { amount: "19.990000", asset: "USDT", network: "ethereum", atomic: PRICE_ATOMIC, decimals: 6 });
  assert.ok(payment.confirmations >= CONFIRMATIONS, `${payment.confirmations} confirmations`);
  assert.ok(payment.succeeded_at >= payment.detected_at);
  const { transaction } = payment;
  assert.equal(transaction.hash, hash);
  assert.equal(transaction.block_hash, receipt.blockHash);
  assert.equal(BigInt(transaction.block_number), receipt.blockNumber);
  assert.equal(transaction.log_index, receipt.logs[0].logIndex);
  assert.equal(transaction.from.toLowerCase(), world.payer.address.toLowerCase());
  assert.equal(transaction.to.toLowerCase(), optionOf(checkout).address.toLowerCase());
}

async function assertWebhooks(world, checkoutId, paymentId) {
  await world.untilDelivered();
  const { requests, distinct, events } = world.receiver;
  await assertAllAccept(world.secret, requests);
  await assertAllRefuse(world.secret, [{ ...requests[0], body: requests[0].body.replace('"livemode":false', '"livemode":true') }]);
  assertRepeatsAgree(requests);
  assertChained(distinct);
  // Order is promised for each object, as it arrives; nothing is promised between two objects.
  assertStory(events, checkoutId, PAID_CHECKOUT);
  assertStory(events, paymentId, PAID_PAYMENT);
  for (const event of distinct) {
    assert.equal(event.object, "event");
    assert.equal(event.livemode, false);
    assert.match(event.id, /^evt_[0-9a-hjkmnp-tv-z]{26}$/);
  }
  const completed = distinct.find((event) => event.type === "checkout.completed");
  assert.equal(completed.data.object.status, "complete");
}

async function payInFull(world) {
  await world.addXpubWallet();
  await world.addWebhook();
  assert.match(world.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);

  const checkout = await world.checkout(PRICE);
  assert.deepEqual([checkout.status, checkout.payment_status], ["open", "unpaid"]);
  assertOption(world, optionOf(checkout));

  const hash = await world.pay(checkout);
  const receipt = await world.anvil.mined(hash);
  const seen = await world.paymentOf(checkout.id);
  assert.equal(seen.status, "detected", "the including block is the first confirmation, and no more than that");
  await world.untilCheckout(checkout.id, "processing", ({ status, payment_status }) => status === "processing" && payment_status === "detected");
  await world.anvil.mine();
  await world.untilPayment(seen.id, "confirming", ({ status }) => status === "confirming");
  await world.anvil.mine(CONFIRMATIONS - 2);

  const paid = await world.untilCheckout(checkout.id, "complete", ({ status }) => status === "complete");
  assert.equal(paid.payment_status, "paid");
  assert.deepEqual(paid.exceptions, []);
  assert.deepEqual(paid.payments, [seen.id]);
  assert.deepEqual(paid.amount_received, { amount: PRICE, currency: "USD" });
  assertPayment(await world.api.get(`/v1/payments/${seen.id}`), { checkout, hash, receipt, world });
  await assertWebhooks(world, checkout.id, seen.id);
  assertGapFree(await world.api.events());
}

worldTest("a checkout is paid and told, on SQLite", {}, async (world) => {
  await payInFull(world);
  await world.server.stop();
  const verified = await world.server.cli("audit", "verify", "--data", world.server.data);
  assert.equal(verified.code, 0, verified.stderr);
});

worldTest("a checkout is paid and told, on PostgreSQL", { database: throwawayDatabase }, payInFull);

worldTest("from 100 USD upward the node's finalized tag is waited for", {}, async (world) => {
  await world.addXpubWallet();
  const checkout = await world.checkout("100.00");
  await world.anvil.mined(await world.pay(checkout));
  const { id, requires_finalized } = await world.paymentOf(checkout.id);
  assert.equal(requires_finalized, true);
  // One block short of finality: confirmations enough, and still not succeeded.
  await world.anvil.mine(FINALIZED_LAG_BLOCKS - 1);
  const waiting = await world.untilPayment(id, "confirmed", ({ confirmations }) => confirmations === FINALIZED_LAG_BLOCKS);
  assert.deepEqual([waiting.status, waiting.finalized], ["confirming", false]);
  await world.anvil.mine();
  const done = await world.untilPayment(id, "succeeded", ({ status }) => status === "succeeded");
  assert.equal(done.finalized, true);
  await world.untilCheckout(checkout.id, "complete", ({ status, payment_status }) => status === "complete" && payment_status === "paid");
});

worldTest("an extended private key is refused, and nothing is kept of it", {}, async (world) => {
  await world.addXpubWallet();
  const body = { type: "evm", mode: "xpub", networks: ["ethereum"], assets: ["USDT"], evm: { xpub: world.merchant.xprv } };
  const problem = await world.api.expect(422, "POST", "/v1/wallets", { body });
  assert.equal(problem.code, "private_key_refused");
  assert.ok(!JSON.stringify(problem).includes(world.merchant.xprv), "the answer does not repeat the key");
  assert.equal((await world.api.get("/v1/wallets")).data.length, 1);
});
