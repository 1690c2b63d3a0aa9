// What must keep the server from starting: each a clear complaint that names the fix, and nothing written.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { handselBinary } from "../lib/server.mjs";
import { run } from "../lib/process.mjs";
import { worldTest } from "../lib/world.mjs";

const END_BY_ITSELF_MS = 30_000;

/** Runs `serve` where it should refuse; answers what it said. */
async function refused(world, { config = world.server.config, data = world.server.data, env = {} }) {
  const done = await run(handselBinary(), ["serve", "--config", config, "--data", data], {
    env: { ...world.server.env, ...env },
    timeoutMs: END_BY_ITSELF_MS,
  });
  assert.notEqual(done.code, 0, `it should have refused to start: ${done.stdout}${done.stderr}`);
  assert.notEqual(done.code, null, `it should have ended by itself, not by ${done.signal}: ${done.stdout}${done.stderr}`);
  assert.doesNotMatch(done.stderr, /panicked/);
  return done.stdout + done.stderr;
}

function changedConfig(world, from, to) {
  const text = readFileSync(world.server.config, "utf8");
  assert.ok(text.includes(from), `the configuration has ${from}`);
  const config = `${world.server.config}.changed.toml`;
  writeFileSync(config, text.replace(from, to));
  return config;
}

/** A data directory that isn't there yet, and must not hold a database afterwards. */
const freshData = (world) => `${world.server.data}-${randomBytes(4).toString("hex")}`;

worldTest("serve refuses what it can't run with, and says what to change", {}, async (world) => {
  await world.server.stop();
  const data = freshData(world);

  const unknownKey = await refused(world, { config: changedConfig(world, "allow_http", "allow_htpp"), data });
  assert.match(unknownKey, /allow_htpp/, "it names the unknown key");
  assert.match(unknownKey, /allow_http\b/, "and the nearest known one");

  const unknownVariable = await refused(world, { env: { HANDSEL_WEBHOOKS__ALLOW_HTPP: "true" }, data });
  assert.match(unknownVariable, /HANDSEL_WEBHOOKS__ALLOW_HTPP/);
  assert.match(unknownVariable, /ALLOW_HTTP\b/i);

  const noKey = await refused(world, { env: { HANDSEL_ENCRYPTION_KEY: undefined }, data });
  assert.match(noKey, /encryption_key/i);

  const badAddress = await refused(world, { config: changedConfig(world, world.usdt.address, "0x1234"), data });
  assert.match(badAddress, /address/);
  assert.ok(!existsSync(data) || readdirSync(data).length === 0, "a configuration that is wrong in itself leaves no trace");

  const wrongChain = await refused(world, { config: changedConfig(world, "chain_id = 31337", "chain_id = 31338"), data });
  assert.match(wrongChain, /31338/, "it names the configured chain id");
  assert.match(wrongChain, /31337/, "and the node's");
});

worldTest("serve refuses a data directory that another process writes to", {}, async (world) => {
  const config = changedConfig(world, `listen = "127.0.0.1:${world.server.port}"`, 'listen = "127.0.0.1:0"');
  const complaint = await refused(world, { config });
  assert.match(complaint, /another|already|lock|in use/i);
  assert.equal((await fetch(`${world.server.url}/readyz`)).status, 200, "the first one goes on");
});

worldTest("serve refuses a database that was sealed with another key", {}, async (world) => {
  await world.addWebhook();
  await world.server.stop();
  const complaint = await refused(world, { env: { HANDSEL_ENCRYPTION_KEY: randomBytes(32).toString("hex") } });
  assert.match(complaint, /encryption[_ ]key/i);
  await world.server.start();
});
