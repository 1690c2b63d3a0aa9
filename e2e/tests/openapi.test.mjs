// The API's own description, as the server serves it, under a linter that others wrote.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../lib/process.mjs";
import { worldTest } from "../lib/world.mjs";

const redocly = fileURLToPath(new URL("../node_modules/.bin/redocly", import.meta.url));
const config = fileURLToPath(new URL("../redocly.yaml", import.meta.url));
const quiet = { REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };

worldTest("/openapi.json is valid OpenAPI 3.1 without a finding", {}, async (world) => {
  const answer = await world.api.call("GET", "/openapi.json", { key: null });
  assert.equal(answer.status, 200);
  assert.match(answer.body.openapi, /^3\.1\./);
  for (const path of ["/v1/checkouts", "/v1/payments", "/v1/webhooks", "/v1/wallets", "/v1/events"]) {
    assert.ok(answer.body.paths[path], `${path} is described`);
  }
  const file = join(world.server.folder, "openapi.json");
  writeFileSync(file, answer.text);
  const linted = await run(redocly, ["lint", file, "--config", config, "--format", "stylish"], { env: { ...process.env, ...quiet } });
  assert.equal(linted.code, 0, `${linted.stdout}${linted.stderr}`);
});
