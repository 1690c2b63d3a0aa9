// Waiting for something to become true. The time limit is only there so that a test ends; nothing is proved by it.
import { setTimeout as sleep } from "node:timers/promises";

/** Long enough for a slow, busy machine. */
export const PATIENCE_MS = 60_000;
const POLL_MS = 50;

/**
 * Asks `probe` until it answers something truthy, and gives that answer back. An error thrown by the probe counts as
 * "not yet"; when time is up, the message says what was waited for and what was seen last.
 */
export async function until(what, probe, { patienceMs = PATIENCE_MS, pollMs = POLL_MS, seen = () => undefined } = {}) {
  const deadline = Date.now() + patienceMs;
  let lastError;
  for (;;) {
    try {
      const answer = await probe();
      if (answer) return answer;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (Date.now() > deadline) {
      const last = lastError ? `\nlast error: ${lastError.stack ?? lastError}` : "";
      const state = seen();
      throw new Error(`gave up waiting for ${what}${last}${state === undefined ? "" : `\nlast seen: ${JSON.stringify(state, null, 1)}`}`);
    }
    await sleep(pollMs);
  }
}
