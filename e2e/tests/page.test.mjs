// The hosted checkout page in a real browser: whole without scripts, live with them, accessible, and under a strict policy.
import assert from "node:assert/strict";
import AxeBuilder from "@axe-core/playwright";
import { withPage } from "../lib/browser.mjs";
import { CONFIRMATIONS } from "../lib/server.mjs";
import { until } from "../lib/wait.mjs";
import { optionOf, worldTest } from "../lib/world.mjs";

const PRICE = "19.99";
const NARROW = { width: 320, height: 640 };
const squeezed = (text) => text.replace(/\s+/g, "");

async function opened(world) {
  await world.addXpubWallet();
  const checkout = await world.checkout(PRICE);
  assert.match(new URL(checkout.url).pathname, /^\/c\/chk_[0-9a-z]{26}\./);
  return checkout;
}

/** Amount, asset and whole address are there to be read, in whatever grouping. */
async function assertReadable(page, checkout) {
  const { address, asset } = optionOf(checkout);
  const text = await page.locator("body").innerText();
  assert.ok(text.includes(PRICE), `the amount is on the page:\n${text}`);
  assert.ok(text.includes(asset), "the asset is on the page");
  assert.ok(squeezed(text).includes(address), `the whole address is on the page:\n${text}`);
}

async function assertNoOverflow(page) {
  const { scrollWidth, clientWidth } = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return { scrollWidth, clientWidth };
  });
  assert.ok(scrollWidth <= clientWidth, `${scrollWidth} px of content in ${clientWidth} px`);
}

async function assertAccessible(page) {
  const { violations, passes } = await new AxeBuilder({ page }).analyze();
  assert.ok(passes.length > 0, "the audit ran");
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), []);
}

function assertStrictPolicy(headers) {
  const policy = headers["content-security-policy"];
  assert.ok(policy, "the page has a content security policy");
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.equal(headers["x-frame-options"], "DENY");
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["referrer-policy"], "strict-origin-when-cross-origin");
}

/** Collects what the page complains of: script errors, policy violations, failed loads of its own parts. */
function complaintsOf(page) {
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  return complaints;
}

worldTest("without JavaScript, at 320 px, the page tells everything that a payer needs", {}, async (world) => {
  const checkout = await opened(world);
  await withPage({ javaScriptEnabled: false, viewport: NARROW }, async (page) => {
    const answer = await page.goto(checkout.url);
    assert.equal(answer.status(), 200);
    assertStrictPolicy(answer.headers());
    await assertReadable(page, checkout);
    await assertNoOverflow(page);
    await world.pay(checkout);
    await world.anvil.mine(CONFIRMATIONS);
    await world.untilCheckout(checkout.id, "complete", ({ status }) => status === "complete");
    await page.reload();
    assert.match(await page.locator("body").innerText(), /\bpaid\b/i);
  });
});

worldTest("with JavaScript the page becomes paid by itself, over one event stream", {}, async (world) => {
  const checkout = await opened(world);
  await withPage({ viewport: NARROW }, async (page) => {
    const complaints = complaintsOf(page);
    const streams = [];
    let loads = 0;
    page.on("load", () => (loads += 1));
    page.on("response", (answer) => /text\/event-stream/.test(answer.headers()["content-type"] ?? "") && streams.push(answer.url()));
    await page.goto(checkout.url);
    await assertReadable(page, checkout);
    await until("the page to open its stream", () => streams.length > 0);
    await world.pay(checkout);
    await world.anvil.mine(CONFIRMATIONS);
    const status = page.locator("[role=status]").first();
    await until("the page to say paid", async () => /\bpaid\b/i.test(await status.innerText()), { seen: () => ({ loads, streams, complaints }) });
    assert.equal(loads, 1, "without being loaded again");
    assert.deepEqual(complaints, []);
  });
});

worldTest("an accessibility audit finds nothing on the open and on the paid page", {}, async (world) => {
  const checkout = await opened(world);
  for (const colorScheme of ["light", "dark"]) {
    await withPage({ viewport: NARROW, colorScheme }, async (page) => {
      await page.goto(checkout.url);
      await assertAccessible(page);
      await assertNoOverflow(page);
    });
  }
  await world.pay(checkout);
  await world.anvil.mine(CONFIRMATIONS);
  await world.untilCheckout(checkout.id, "complete", ({ status }) => status === "complete");
  await withPage({ viewport: NARROW }, async (page) => {
    await page.goto(checkout.url);
    await assertAccessible(page);
  });
});

worldTest("a link with a wrong mac leads nowhere", {}, async (world) => {
  const checkout = await opened(world);
  const mac = checkout.url.split(".").at(-1);
  const wrong = `${mac[0] === "a" ? "b" : "a"}${mac.slice(1)}`;
  assert.equal((await fetch(checkout.url.replace(`.${mac}`, `.${wrong}`))).status, 404);
  assert.equal((await fetch(checkout.url.split(".").slice(0, -1).join("."))).status, 404);
});
