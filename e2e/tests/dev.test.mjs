// `handsel dev`: one command, no configuration; a payment by one call, on a simulated chain that survives a kill.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Api } from "../lib/api.mjs";
import { PAID_CHECKOUT, PAID_PAYMENT, assertChained, assertGapFree, assertRepeatsAgree, assertStory } from "../lib/claims.mjs";
import { Child, freePort } from "../lib/process.mjs";
import { handselBinary } from "../lib/server.mjs";
import { assertAllAccept } from "../lib/verify.mjs";
import { until } from "../lib/wait.mjs";

const FINALIZED_LAG_BLOCKS = 4;

class Dev {
  constructor(blockTime) {
    this.data = mkdtempSync(join(tmpdir(), "handsel-dev-"));
    this.blockTime = blockTime;
  }

  async start() {
    this.port ??= await freePort();
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("HANDSEL_")));
    const args = ["dev", "--port", String(this.port), "--data", this.data, "--json", "--block-time", String(this.blockTime)];
    this.child = new Child(handselBinary(), args, { env });
    const line = await until("dev to print its line", () => {
      this.child.assertRunning();
      return this.child.output.split("\n").find((text) => text.startsWith("{") && text.includes("base_url"));
    });
    this.printed = JSON.parse(line);
    this.api = new Api(this.printed.base_url, this.printed.secret_key);
    return this;
  }

  async kill9() {
    await this.child.end("SIGKILL");
  }

  async discard() {
    if (this.child?.running) await this.kill9();
    rmSync(this.data, { recursive: true, force: true });
  }
}

function devTest(name, blockTime, body) {
  test(name, async () => {
    const dev = new Dev(blockTime);
    try {
      await body(await dev.start());
    } catch (error) {
      error.stack += `\n--- dev's output ends with:\n${(dev.child?.output ?? "").slice(-4000)}\n---`;
      throw error;
    } finally {
      await dev.discard();
    }
  });
}

const pay = (dev, checkout, body = {}) => dev.api.call("POST", `/v1/test/checkouts/${checkout.id}/pay`, { body });
const untilComplete = (dev, { id }) =>
  until(`${id} to be complete`, async () => {
    const checkout = await dev.api.get(`/v1/checkouts/${id}`);
    return checkout.status === "complete" ? checkout : undefined;
  });

devTest("dev: the smallest checkout is paid and its webhooks verify", 1, async (dev) => {
  const { base_url, secret_key, publishable_key, dashboard_url } = dev.printed;
  assert.match(secret_key, /^sk_test_[0-9A-Za-z]{64}$/);
  assert.match(publishable_key, /^pk_test_[0-9A-Za-z]{64}$/);
  assert.equal(new URL(base_url).port, String(dev.port));
  assert.ok(dashboard_url.startsWith(base_url));

  const receiver = await dev.api.call("POST", "/v1/test/receivers", { body: {} });
  assert.ok(receiver.status < 300, receiver.text);
  const webhook = await dev.api.create("/v1/webhooks", { url: receiver.body.url, enabled_events: ["*"] });
  const checkout = await dev.api.create("/v1/checkouts", { amount: "19.99", currency: "USD" });
  const paid = await pay(dev, checkout);
  assert.equal(paid.status, 200, paid.text);
  assert.match(paid.body.transaction, /^0x[0-9a-f]{64}$/);
  assert.equal(paid.body.network, "sandbox-evm");

  const complete = await untilComplete(dev, checkout);
  assert.equal(complete.payment_status, "paid");
  const everything = await dev.api.events();
  assertGapFree(everything);
  assertStory(everything.events, checkout.id, PAID_CHECKOUT);
  assertStory(everything.events, complete.payments[0], PAID_PAYMENT);
  const requests = await until("every event at the receiver", async () => {
    const { data } = await dev.api.get(`/v1/test/receivers/${receiver.body.id}/requests`);
    return data.length >= PAID_CHECKOUT.length + PAID_PAYMENT.length ? data : undefined;
  });
  await assertAllAccept(webhook.signing_secret, requests);
  assertRepeatsAgree(requests);
  assertChained(requests.map(({ body }) => JSON.parse(body)));
});

devTest("dev: same keys and no lost payment after a kill", 0, async (dev) => {
  const before = dev.printed;
  const checkout = await dev.api.create("/v1/checkouts", { amount: "250.00", currency: "USD" });
  const paid = await pay(dev, checkout);
  assert.equal(paid.status, 200, paid.text);
  await dev.kill9();
  await dev.start();
  assert.deepEqual(dev.printed, before, "the same directory prints the same keys");
  const mined = await dev.api.call("POST", "/v1/test/networks/sandbox-evm/mine", { body: { blocks: FINALIZED_LAG_BLOCKS + 1 } });
  assert.equal(mined.status, 200, mined.text);
  const complete = await untilComplete(dev, checkout);
  assert.equal(complete.payments.length, 1);
  const payment = await dev.api.get(`/v1/payments/${complete.payments[0]}`);
  assert.deepEqual([payment.transaction.hash, payment.finalized], [paid.body.transaction, true]);
});

devTest("dev: a reorg on command drops a payment, which is told", 0, async (dev) => {
  const checkout = await dev.api.create("/v1/checkouts", { amount: "9.00", currency: "USD" });
  const { transaction } = (await pay(dev, checkout)).body;
  await dev.api.act("/v1/test/networks/sandbox-evm/mine", { blocks: 1 });
  await until("the payment to be seen", async () => (await dev.api.get(`/v1/checkouts/${checkout.id}`)).payments.length === 1);
  await dev.api.act("/v1/test/networks/sandbox-evm/reorg", { depth: 1, drop: [transaction] });
  const open = await until("the payment to be taken back", async () => {
    const seen = await dev.api.get(`/v1/checkouts/${checkout.id}`);
    return seen.payment_status === "unpaid" ? seen : undefined;
  });
  assert.deepEqual([open.status, open.exceptions.map(({ type }) => type)], ["open", ["reorged"]]);
  assertGapFree(await dev.api.events());
});
