// Child processes that a test owns: started with their output kept, ended by their own process handle only.
import { spawn } from "node:child_process";
import { createServer } from "node:net";

/** A port that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** How much of a child's output is kept for the message of a failed test. */
const KEPT_OUTPUT_CHARS = 20_000;

export class Child {
  constructor(command, args, options = {}) {
    this.name = command.split("/").at(-1);
    this.output = "";
    this.child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
    this.ended = new Promise((resolve) => {
      this.child.once("exit", (code, signal) => resolve({ code, signal }));
      this.child.once("error", (error) => resolve({ code: null, signal: null, error }));
    });
    this.ended.then((how) => (this.exit = how));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => (this.output = (this.output + text).slice(-KEPT_OUTPUT_CHARS)));
    }
  }

  get running() {
    return this.exit === undefined;
  }

  /** Fails when the process has ended by itself, with what it said. */
  assertRunning() {
    if (!this.running) {
      throw new Error(`${this.name} ended by itself (${JSON.stringify(this.exit)}):\n${this.output}`);
    }
  }

  /** Sends a signal and waits for the end. */
  async end(signal) {
    if (this.running) this.child.kill(signal);
    return this.ended;
  }
}

/** Runs a command to its end and answers its exit code and output; never throws because of the exit code. */
export function run(command, args, { env, input, cwd, timeoutMs = 120_000 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, cwd, stdio: ["pipe", "pipe", "pipe"], timeout: timeoutMs });
    const out = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) {
      child[name].setEncoding("utf8");
      child[name].on("data", (text) => (out[name] += text));
    }
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, ...out }));
    child.stdin.on("error", () => {}); // a child that ends before reading is judged by its exit code
    child.stdin.end(input ?? "");
  });
}

/** Runs a command that has to succeed. */
export async function mustRun(command, args, options) {
  const done = await run(command, args, options);
  if (done.code !== 0) {
    throw new Error(`${command} ${args.join(" ")} ended with ${done.code ?? done.signal}\n${done.stdout}${done.stderr}`);
  }
  return done.stdout;
}
