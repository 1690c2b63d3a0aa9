// A real browser (Debian's Chromium) for the pages that people see.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const CHROMIUM = process.env.CHROMIUM_BIN ?? "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** Runs `body` with a page of a fresh browser and closes it afterwards. */
export async function withPage(contextOptions, body) {
  if (!existsSync(CHROMIUM)) throw new Error(`no browser at ${CHROMIUM}: install chromium, or set CHROMIUM_BIN`);
  const browser = await chromium.launch({ executablePath: CHROMIUM, headless: true, args: FLAGS });
  try {
    const context = await browser.newContext(contextOptions);
    await body(await context.newPage());
  } finally {
    await browser.close();
  }
}
