// The verifiers themselves: they accept what is signed as the contract says, and refuse anything else. Without this a
// verifier that accepts everything would make every other test green.
import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import Stripe from "stripe";
import { assertAllAccept, assertAllRefuse } from "../lib/verify.mjs";
import { MerchantWallet } from "../lib/xpub.mjs";

const hmac = (key, text, encoding) => createHmac("sha256", key).update(text).digest(encoding);

/** A delivery signed by hand, as the contract's section on the wire format says. */
function signed(secret, body, at = Math.floor(Date.now() / 1000)) {
  const decoded = Buffer.from(secret.slice("whsec_".length), "base64");
  const { id } = JSON.parse(body);
  return {
    body,
    headers: {
      "handsel-signature": `t=${at},v1=${hmac(secret, `${at}.${body}`, "hex")}`,
      "webhook-id": id,
      "webhook-timestamp": String(at),
      "webhook-signature": `v1,${hmac(decoded, `${id}.${at}.${body}`, "base64")}`,
    },
  };
}

const secret = `whsec_${randomBytes(32).toString("base64")}`;
const body = '{"id":"evt_1","object":"event","type":"payment.succeeded"}';

test("a delivery signed in both forms is accepted by all three libraries", async () => {
  await assertAllAccept(secret, [signed(secret, body)]);
});

test("a changed body, another secret and an old time are each refused by all three", async () => {
  const changed = { ...signed(secret, body), body: body.replace("succeeded", "reversed") };
  const foreign = signed(`whsec_${randomBytes(32).toString("base64")}`, body);
  const old = signed(secret, body, Math.floor(Date.now() / 1000) - 3600);
  await assertAllRefuse(secret, [changed, foreign, old]);
});

test("the contract's signature vector", () => {
  const vector = {
    secret: "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=",
    header: "t=1718400000,v1=a606cd4b370741ba107b2b9dc84d998d177096cd58f79b123b90cf0a1616e0b9",
    body: '{"id":"evt_1","type":"payment.succeeded"}',
  };
  const withoutAgeLimit = 0;
  const stripe = new Stripe("sk_test_unused");
  assert.equal(stripe.webhooks.constructEvent(vector.body, vector.header, vector.secret, withoutAgeLimit).id, "evt_1");
});

test("the test's wallet finds its own addresses and no others", () => {
  const [mine, other] = [new MerchantWallet(), new MerchantWallet()];
  assert.equal(mine.indexOf(mine.address(7)), 7);
  assert.equal(mine.indexOf(other.address(7), 20), -1);
});
