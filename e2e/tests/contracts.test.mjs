// The test tokens themselves, on the node: that they have the habits for which they were written.
import assert from "node:assert/strict";
import { before, after, test } from "node:test";
import { encodeFunctionData, parseEventLogs } from "viem";
import { Anvil } from "../lib/anvil.mjs";

const SUPPLY = 10n ** 12n;
let anvil, owner, payer, other, usdt;

before(async () => {
  anvil = await Anvil.start();
  [owner, payer, other] = anvil.accounts;
});
after(() => anvil?.stop());

const balance = (token, account) => anvil.public.readContract({ ...token, functionName: "balanceOf", args: [account.address] });
const call = async (account, token, name, args) => anvil.mined(await anvil.send(account, token, name, args));
const refused = (account, token, functionName, args, reason) =>
  assert.rejects(anvil.public.simulateContract({ account, ...token, functionName, args }), reason);
const transfers = (token, receipt) =>
  parseEventLogs({ abi: token.abi, logs: receipt.logs, eventName: "Transfer" }).map(({ args }) => [args.from, args.to, args.value]);

async function freshUsdt() {
  usdt = await anvil.deploy("TetherLike", [SUPPLY], owner);
  await call(owner, usdt, "transfer", [payer.address, 1_000_000n]);
}

test("TetherLike's movers return nothing at all", async () => {
  await freshUsdt();
  for (const [functionName, args] of [["transfer", [other.address, 1n]], ["approve", [other.address, 1n]]]) {
    const data = encodeFunctionData({ abi: usdt.abi, functionName, args });
    const answer = await anvil.public.call({ account: payer.address, to: usdt.address, data });
    assert.equal(answer.data, undefined, `${functionName} returns no data`);
  }
  assert.deepEqual(usdt.abi.find((item) => item.name === "transferFrom").outputs, []);
});

test("TetherLike's allowance goes through zero", async () => {
  await freshUsdt();
  await call(payer, usdt, "approve", [other.address, 5n]);
  await refused(payer, usdt, "approve", [other.address, 6n], /zero first/);
  await call(payer, usdt, "approve", [other.address, 0n]);
  await call(payer, usdt, "approve", [other.address, 6n]);
});

test("TetherLike's fee sends less, and the owner's share is a second Transfer", async () => {
  await freshUsdt();
  await call(owner, usdt, "setParams", [10n, 1n]);
  const receipt = await call(payer, usdt, "transfer", [other.address, 100_000n]);
  assert.deepEqual(transfers(usdt, receipt), [[payer.address, owner.address, 100n], [payer.address, other.address, 99_900n]]);
  assert.equal(await balance(usdt, other), 99_900n);
  await refused(owner, usdt, "setParams", [20n, 1n], /rate too high/);
});

test("TetherLike pauses and freezes", async () => {
  await freshUsdt();
  await call(owner, usdt, "pause", []);
  await refused(payer, usdt, "transfer", [other.address, 1n], /paused/);
  await call(owner, usdt, "unpause", []);
  await call(owner, usdt, "addBlackList", [payer.address]);
  await refused(payer, usdt, "transfer", [other.address, 1n], /frozen/);
});

test("TetherLike moves balances without a Transfer event", async () => {
  await freshUsdt();
  for (const [name, args] of [["issue", [7n]], ["redeem", [3n]], ["addBlackList", [payer.address]], ["destroyBlackFunds", [payer.address]]]) {
    assert.deepEqual(transfers(usdt, await call(owner, usdt, name, args)), [], `${name} emits no Transfer`);
  }
  assert.equal(await balance(usdt, payer), 0n);
  assert.equal(await balance(usdt, owner), SUPPLY - 1_000_000n + 4n);
});

test("PlainToken returns true and has the decimals it was given", async () => {
  const token = await anvil.deploy("PlainToken", ["Dollar", "USD", 18, SUPPLY], payer);
  assert.equal(await anvil.public.readContract({ ...token, functionName: "decimals" }), 18);
  const { result } = await anvil.public.simulateContract({ account: payer, ...token, functionName: "transfer", args: [other.address, 1n] });
  assert.equal(result, true);
});

test("Spray makes several transfers in one transaction, and floods", async () => {
  await freshUsdt();
  const spray = await anvil.deploy("Spray", [], owner);
  await call(payer, usdt, "approve", [spray.address, 100n]);
  const legs = [owner, other, other].map(({ address }, at) => ({ token: usdt.address, to: address, value: BigInt(at * 10) }));
  assert.equal(transfers(usdt, await call(payer, spray, "spray", [legs])).length, 3);
  await call(payer, usdt, "transfer", [spray.address, 50n]);
  const flood = await call(owner, spray, "flood", [usdt.address, [owner.address, other.address], 1n, 50n]);
  assert.equal(transfers(usdt, flood).length, 50);
  assert.equal(await balance(usdt, spray), 0n);
});

test("a reorg drops a transaction, and the same raw transaction lands again", async () => {
  await freshUsdt();
  const raw = await anvil.signed(payer, usdt, "transfer", [other.address, 11n]);
  const hash = await anvil.broadcast(raw);
  const before = await anvil.mined(hash);
  await anvil.mine();
  await anvil.reorg(2);
  await assert.rejects(anvil.public.getTransactionReceipt({ hash }), /not be found/);
  assert.equal(await anvil.broadcast(raw), hash);
  const again = await anvil.mined(hash);
  assert.notEqual(again.blockHash, before.blockHash);
});
