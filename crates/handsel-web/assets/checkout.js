// @ts-check
// Follows one checkout: over an event stream, by polling where that breaks. Every text comes from the server; this only puts it
// in its place, counts down, and copies. Nothing here decides anything.

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
const find = (/** @type {string} */ what) => /** @type {HTMLElement | null} */ (main.querySelector(what));
const state = /** @type {HTMLElement} */ (find(".state"));
const spoken = /** @type {HTMLElement} */ (find(".spoken"));
const offset = Number(main.dataset.now) * 1000 - Date.now();
const POLL_MS = 3000;
let done = false;

/** @param {string} where @param {string} text */
function write(where, text) {
  const place = find(where);
  if (place && place.textContent !== text) place.textContent = text;
}

/** @param {string | null} url */
function showReturn(url) {
  const place = find(".back");
  const link = place?.querySelector("a");
  if (!place || !link) return;
  place.hidden = !url;
  if (!url) return link.removeAttribute("href");
  const { protocol } = new URL(url);
  if (protocol === "https:" || protocol === "http:") link.href = url;
}

/** @param {any} told */
function show(told) {
  main.dataset.stage = state.dataset.state = told.stage;
  write(".headline strong", told.headline);
  write(".text", told.text);
  const pay = find(".pay");
  if (pay) pay.hidden = !told.payable;
  else if (told.payable) location.reload();
  if (told.due) write(".due", told.due);
  const wallet = find(".wallet");
  if (wallet) wallet.hidden = told.stage !== "open";
  const left = find(".left");
  if (left) left.dataset.until = String(told.expires_at);
  showReturn(told.return_url);
  done = told.done;
}

/** @param {boolean} is */
function offline(is) {
  const place = find(".offline");
  if (place) place.hidden = !is;
}

async function poll() {
  if (done) return;
  try {
    const answer = await fetch(String(main.dataset.poll), { cache: "no-store" });
    if (answer.ok) show(await answer.json());
    offline(false);
  } catch {
    offline(true);
  }
}

function follow() {
  let timer = 0;
  const stream = new EventSource(String(main.dataset.stream));
  stream.addEventListener("status", (event) => {
    clearInterval(timer);
    timer = 0;
    offline(false);
    show(JSON.parse(/** @type {MessageEvent} */ (event).data));
    if (done) stream.close();
  });
  stream.addEventListener("error", () => {
    if (!timer && !done) timer = setInterval(poll, POLL_MS);
  });
}

/** Seconds tick without being spoken; five minutes and one minute before the end are said aloud once. */
function countDown() {
  const place = find(".left");
  if (!place || done) return;
  const left = Math.max(0, Number(place.dataset.until) - Math.floor((Date.now() + offset) / 1000));
  const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  place.textContent = `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds)} left`;
  if (left === 300) spoken.textContent = "5 minutes left";
  if (left === 60) spoken.textContent = "1 minute left";
}

for (const button of /** @type {NodeListOf<HTMLElement>} */ (main.querySelectorAll(".copy"))) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const what = String(button.dataset.copies);
    const text = what === "amount" ? find(".due")?.textContent?.split(" ")[0] : find(".address")?.textContent;
    await navigator.clipboard.writeText(String(text).trim());
    spoken.textContent = `Copied the ${what}`;
    button.classList.add("copied");
  });
}

if (!["paid", "overpaid", "canceled"].includes(String(main.dataset.stage))) {
  follow();
  countDown();
  setInterval(countDown, 1000);
}
