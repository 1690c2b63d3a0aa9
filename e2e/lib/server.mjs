// `handsel serve` as a process of its own, on a data directory that outlives it: started, stopped, killed, restarted.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Api } from "./api.mjs";
import { CHAIN_ID } from "./anvil.mjs";
import { Child, freePort, mustRun, run } from "./process.mjs";
import { until } from "./wait.mjs";

export const CONFIRMATIONS = 3;
export const FINALIZED_ABOVE_USD = "100";

/** The program under test: HANDSEL_BIN, or the debug build. Nothing here builds it. */
export function handselBinary() {
  const built = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../target", import.meta.url));
  const binary = process.env.HANDSEL_BIN ?? join(built, "debug", "handsel");
  if (!existsSync(binary)) {
    throw new Error(`no program to test at ${binary}: run \`cargo build -p handsel\`, or set HANDSEL_BIN`);
  }
  return binary;
}

/** This process's environment without any HANDSEL_ variable: the server reads those as configuration. */
function cleanEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("HANDSEL_")));
}

function toml({ port, rpcUrl, tokens, database }) {
  const listed = tokens.map((token) => `  { asset = "${token.asset}", address = "${token.address}", decimals = ${token.decimals} },`);
  return [
    'mode = "sandbox"',
    `listen = "127.0.0.1:${port}"`,
    `public_url = "http://127.0.0.1:${port}"`,
    ...(database ? ["", "[database]", `url = "${database}"`] : []),
    "",
    "[webhooks]",
    "allow_http = true",
    "",
    "[egress]",
    'allowed_cidrs = ["127.0.0.0/8", "::1/128"]',
    "",
    "[[chains]]",
    'name = "ethereum"',
    'kind = "evm"',
    `chain_id = ${CHAIN_ID}`,
    `rpc_urls = ["${rpcUrl}"]`,
    `confirmations = ${CONFIRMATIONS}`,
    `finalized_above_usd = "${FINALIZED_ABOVE_USD}"`,
    "tokens = [",
    ...listed,
    "]",
    "",
  ].join("\n");
}

export class Server {
  /** Writes the configuration; `start` runs the program. */
  static async prepare({ rpcUrl, tokens, database }) {
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), "handsel-e2e-"));
    server.data = join(server.folder, "data");
    server.config = join(server.folder, "handsel.toml");
    server.port = await freePort();
    server.url = `http://127.0.0.1:${server.port}`;
    server.env = { ...cleanEnvironment(), HANDSEL_ENCRYPTION_KEY: randomBytes(32).toString("hex") };
    writeFileSync(server.config, toml({ port: server.port, rpcUrl, tokens, database }));
    return server;
  }

  async start() {
    this.child = new Child(handselBinary(), ["serve", "--config", this.config, "--data", this.data], { env: this.env });
    await until("the server to be ready", async () => {
      if (!this.child.running) return true;
      return (await fetch(`${this.url}/readyz`)).status === 200;
    });
    this.child.assertRunning();
    return this;
  }

  /** Asks for an orderly end and fails unless it comes. */
  async stop() {
    const how = await this.child.end("SIGTERM");
    if (how.code !== 0) throw new Error(`the server did not end in order (${JSON.stringify(how)}):\n${this.child.output}`);
  }

  /** Power off: no handler runs, nothing is flushed. */
  async kill9() {
    this.child.assertRunning();
    await this.child.end("SIGKILL");
  }

  cli(...args) {
    return run(handselBinary(), args, { env: this.env });
  }

  async createAccount(name = "Acorn Books") {
    // Goes through the running server's socket in the data directory, so it needs no configuration.
    const args = ["accounts", "create", "--data", this.data, "--name", name, "--email", "owner@example.com", "--region", "eu", "--json"];
    const account = JSON.parse(await mustRun(handselBinary(), args, { env: this.env }));
    return { ...account, api: new Api(this.url, account.secret_key) };
  }

  /** Ends whatever still runs and removes the data. */
  async discard() {
    if (this.child?.running) await this.child.end("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
