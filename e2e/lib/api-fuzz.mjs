// Generated requests against every described route of a fresh server: see `run-api`, which installs what is needed.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { World } from "./world.mjs";

const schemathesis = fileURLToPath(new URL("../.venv-api/bin/schemathesis", import.meta.url));
const world = new World();
try {
  await world.build();
  await world.addXpubWallet();
  // Left out: that every request that fits the schema is taken. The schema says what is well-formed; which ids, events, addresses and
  // amounts are acceptable it cannot say, and those are refused by design, with a problem that the other checks look at.
  const args = [
    "run", `${world.server.url}/openapi.json`, "--header", `Authorization: Bearer ${world.account.secret_key}`,
    "--max-examples", process.env.EXAMPLES ?? "20", "--seed", process.env.SEED ?? "1", "--no-color", "--rate-limit", "auto",
    "--exclude-checks", "positive_data_acceptance", ...process.argv.slice(2),
  ];
  const child = spawn(schemathesis, args, { stdio: "inherit", cwd: world.server.folder, env: { ...process.env, NO_COLOR: "1" } });
  process.exitCode = await new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
  if (!world.server.child.running) {
    console.error(`the server ended during the run:\n${world.server.child.output}`);
    process.exitCode = 1;
  }
} finally {
  await world.takeDown();
}
