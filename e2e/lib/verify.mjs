// Third parties' own verdict on a delivery: the unmodified npm packages stripe and standardwebhooks, and Python's
// standardwebhooks. Each gets the raw body, the headers as they came and the whole secret text, and nothing else.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import Stripe from "stripe";
import { Webhook } from "standardwebhooks";
import { mustRun } from "./process.mjs";

// The library wants an API key to be constructed; no call that would use one is made.
const stripe = new Stripe("sk_test_unused");
const python = fileURLToPath(new URL("../.venv/bin/python", import.meta.url));
const script = fileURLToPath(new URL("verify.py", import.meta.url));

const VERIFIERS = {
  stripe: (secret, { headers, body }) => stripe.webhooks.constructEvent(body, headers["handsel-signature"], secret),
  standardwebhooks: (secret, { headers, body }) => new Webhook(secret).verify(body, headers),
};

async function pythonVerdicts(secret, deliveries) {
  const asked = deliveries.map(({ headers, body }) => ({ headers, body }));
  return JSON.parse(await mustRun(python, [script], { input: JSON.stringify({ secret, deliveries: asked }) }));
}

/** Fails unless all three libraries accept every delivery. */
export async function assertAllAccept(secret, deliveries) {
  assert.ok(deliveries.length > 0, "there is a delivery to verify");
  for (const delivery of deliveries) {
    for (const [library, verify] of Object.entries(VERIFIERS)) {
      assert.doesNotThrow(() => verify(secret, delivery), `${library} accepts ${delivery.body.slice(0, 80)}`);
    }
  }
  assert.deepEqual(await pythonVerdicts(secret, deliveries), deliveries.map(() => null), "Python's standardwebhooks accepts each delivery");
}

/** Fails unless all three libraries refuse every delivery. */
export async function assertAllRefuse(secret, deliveries) {
  for (const delivery of deliveries) {
    for (const [library, verify] of Object.entries(VERIFIERS)) {
      assert.throws(() => verify(secret, delivery), undefined, `${library} refuses a forged delivery`);
    }
  }
  for (const complaint of await pythonVerdicts(secret, deliveries)) {
    assert.ok(complaint, "Python's standardwebhooks refuses a forged delivery");
  }
}
