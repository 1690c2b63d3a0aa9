// One fixed address for everybody: the last digits of the amount tell the orders apart.
import assert from "node:assert/strict";
import { privateKeyToAddress, generatePrivateKey } from "viem/accounts";
import { FINALIZED_LAG_BLOCKS } from "../lib/anvil.mjs";
import { CONFIRMATIONS } from "../lib/server.mjs";
import { atomic, optionOf, worldTest } from "../lib/world.mjs";

const PRICE = "19.99";
const TAG_LIMIT_UNITS = 9999n;

async function addStaticWallet(world) {
  world.address = privateKeyToAddress(generatePrivateKey());
  await world.api.create("/v1/wallets", {
    type: "evm", mode: "static", networks: ["ethereum"], assets: ["USDT"], evm: { address: world.address },
  });
}

const create = (world) => world.checkout(PRICE, { matching: "static" });

function tagOf(world, checkout) {
  const option = optionOf(checkout);
  assert.equal(option.address.toLowerCase(), world.address.toLowerCase(), "the address is the wallet's");
  assert.equal(atomic(option.amount), BigInt(option.atomic), "both writings of the amount agree");
  const tag = atomic(PRICE) - BigInt(option.atomic);
  assert.ok(tag >= 1n && tag <= TAG_LIMIT_UNITS, `the tag ${tag} takes less than a cent off`);
  return tag;
}

worldTest("the tagged amount pays its own checkout and no other", {}, async (world) => {
  await addStaticWallet(world);
  const checkouts = [await create(world), await create(world), await create(world)];
  const tags = checkouts.map((checkout) => tagOf(world, checkout));
  assert.equal(new Set(tags).size, tags.length, "no two open checkouts have one amount");
  await world.pay(checkouts[1]);
  await world.anvil.mine(CONFIRMATIONS);
  const paid = await world.untilCheckout(checkouts[1].id, "complete", ({ status }) => status === "complete");
  assert.deepEqual([paid.payment_status, paid.exceptions], ["paid", []], "the shop bears the tag: nothing is owed");
  const payment = await world.api.get(`/v1/payments/${paid.payments[0]}`);
  assert.deepEqual([payment.status, payment.outcome], ["succeeded", "exact"]);
  for (const other of [checkouts[0], checkouts[2]]) {
    const { status, payments } = await world.api.get(`/v1/checkouts/${other.id}`);
    assert.deepEqual([status, payments], ["open", []]);
  }
});

worldTest("the untagged amount belongs to nobody: unmatched", {}, async (world) => {
  await addStaticWallet(world);
  const checkout = await create(world);
  tagOf(world, checkout);
  await world.pay(checkout, atomic(PRICE));
  // Nobody's price is known for it, so the upper tier's rule holds: finalized too.
  await world.anvil.mine(FINALIZED_LAG_BLOCKS + 1);
  const [payment] = await world.untilObject("/v1/payments", "one rejected payment", ({ data }) => data[0]?.status === "rejected").then(({ data }) => data);
  assert.deepEqual([payment.outcome, payment.checkout], ["unmatched", null]);
  const { status, payment_status, payments } = await world.api.get(`/v1/checkouts/${checkout.id}`);
  assert.deepEqual([status, payment_status, payments], ["open", "unpaid", []]);
});
