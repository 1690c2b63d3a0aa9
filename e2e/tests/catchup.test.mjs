// What happened on the chain while the server was off is found when it is back, block by block, without a gap.
import assert from "node:assert/strict";
import { PAID_CHECKOUT, assertGapFree, assertStory } from "../lib/claims.mjs";
import { worldTest } from "../lib/world.mjs";

const BLOCKS_AWAY = 20;

worldTest("payments made while the server is stopped are all found at the start", {}, async (world) => {
  await world.addXpubWallet();
  await world.addWebhook();
  const checkouts = [];
  for (const amount of ["1.00", "22.00", "333.00"]) checkouts.push(await world.checkout(amount));
  await world.server.stop();
  for (const checkout of checkouts) {
    await world.pay(checkout);
    await world.anvil.mine(2);
  }
  await world.anvil.mine(BLOCKS_AWAY);
  await world.server.start();
  for (const { id } of checkouts) {
    const paid = await world.untilCheckout(id, "complete", ({ status }) => status === "complete");
    assert.deepEqual([paid.payment_status, paid.payments.length], ["paid", 1]);
  }
  const everything = await world.api.events();
  assertGapFree(everything);
  for (const { id } of checkouts) assertStory(everything.events, id, PAID_CHECKOUT);
  await world.untilDelivered();
});
