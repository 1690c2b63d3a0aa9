// The command line as a script sees it: JSON on stdout, talk on stderr, exit codes that mean something.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../lib/process.mjs";
import { handselBinary } from "../lib/server.mjs";
import { worldTest } from "../lib/world.mjs";

const EXIT = { ok: 0, usage: 2, auth: 3, notFound: 4, network: 6, checkFailed: 7 };

worldTest("verify-webhook accepts a real delivery and says why it refuses another", {}, async (world) => {
  await world.addWebhook();
  await world.api.call("POST", `/v1/webhooks/${world.webhook.id}/test`);
  await world.untilDelivered();
  const { headers, body } = world.receiver.requests[0];
  const secretFile = join(world.server.folder, "secret");
  const verify = async (secret, input, more = []) => {
    writeFileSync(secretFile, secret, { mode: 0o600 });
    const args = ["verify-webhook", "--secret-file", secretFile, "--header", headers["handsel-signature"], ...more];
    return run(handselBinary(), args, { env: world.server.env, input });
  };
  const accepted = await verify(world.secret, body);
  assert.equal(accepted.code, EXIT.ok, accepted.stderr);
  const old = String(Math.floor(Date.now() / 1000) + 3600);
  const refusals = [await verify(`whsec_${Buffer.alloc(32).toString("base64")}`, body), await verify(world.secret, `${body} `), await verify(world.secret, body, ["--at", old])];
  for (const { code, stderr } of refusals) {
    assert.equal(code, EXIT.checkFailed, stderr);
    assert.ok(stderr.trim().length > 0, "it says why");
    assert.ok(!stderr.includes(world.secret), "and never shows the secret");
  }
  assert.notEqual(refusals[0].stderr, refusals[2].stderr, "a wrong secret and an old time are told apart");
});

worldTest("a script can tell what went wrong by the exit code alone", {}, async (world) => {
  const cli = (args, env = {}) => run(handselBinary(), args, { env: { ...world.server.env, HANDSEL_API_KEY: world.account.secret_key, ...env } });
  const at = ["--url", world.server.url, "--json"];
  const listed = await cli(["events", "list", ...at]);
  assert.equal(listed.code, EXIT.ok, listed.stderr);
  assert.ok(Array.isArray(JSON.parse(listed.stdout).data), "stdout is JSON and nothing else");
  const account = await cli(["get", "/v1/account", ...at]);
  assert.equal(account.code, EXIT.ok, account.stderr);
  assert.equal(JSON.parse(account.stdout).id, world.account.id);
  const { secret_key } = world.account;
  const wrong = `${secret_key.slice(0, -1)}${secret_key.at(-1) === "0" ? "1" : "0"}`;
  assert.equal((await cli(["get", "/v1/account", ...at], { HANDSEL_API_KEY: wrong })).code, EXIT.auth);
  assert.equal((await cli(["get", "/v1/checkouts/chk_00000000000000000000000000", ...at])).code, EXIT.notFound);
  assert.equal((await cli(["get", "/v1/account", "--url", "http://127.0.0.1:1", "--json"])).code, EXIT.network);
  assert.equal((await cli(["no-such-verb"])).code, EXIT.usage);
});
