// Everything one test needs, real and its own: a node with tokens, a payer with money, a server, a merchant with a
// wallet, and a receiver with a webhook.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Anvil } from "./anvil.mjs";
import { Receiver } from "./receiver.mjs";
import { Server } from "./server.mjs";
import { until } from "./wait.mjs";
import { MerchantWallet } from "./xpub.mjs";

export const USDT_DECIMALS = 6;
const SUPPLY_ATOMIC = 10n ** 15n;
const SHOWN_OUTPUT_CHARS = 4000;
const PAYER_FUNDS_ATOMIC = 10n ** 12n;

/** Atomic units of a decimal amount of the test token. */
export function atomic(amount) {
  const [whole, fraction = ""] = amount.split(".");
  return BigInt(whole + fraction.padEnd(USDT_DECIMALS, "0"));
}

export class World {
  #ends = [];

  async build({ database, receiver } = {}) {
    this.anvil = this.#own(await Anvil.start(), (made) => made.stop());
    const [deployer, payer] = this.anvil.accounts;
    this.payer = payer;
    this.usdt = await this.anvil.deploy("TetherLike", [SUPPLY_ATOMIC], deployer);
    this.foreign = await this.anvil.deploy("PlainToken", ["Fake dollar", "USDT", USDT_DECIMALS, SUPPLY_ATOMIC], payer);
    await this.anvil.mined(await this.anvil.send(deployer, this.usdt, "transfer", [payer.address, PAYER_FUNDS_ATOMIC]));

    this.receiver = await this.addReceiver(receiver);
    const tokens = [{ asset: "USDT", address: this.usdt.address, decimals: USDT_DECIMALS }];
    const databaseUrl = database && this.#own(await database(), (made) => made.drop()).url;
    this.server = this.#own(await Server.prepare({ rpcUrl: this.anvil.url, tokens, database: databaseUrl }), (made) => made.discard());
    await this.server.start();
    this.account = await this.server.createAccount();
    this.api = this.account.api;
    return this;
  }

  /** Remembers how to end a thing that was made for this world. */
  #own(made, end) {
    this.#ends.push(() => end(made));
    return made;
  }

  /** Takes everything down, last made first. */
  async takeDown() {
    for (const end of this.#ends.reverse()) await end();
  }

  /** One more receiver; the first is `this.receiver`. */
  async addReceiver(answer) {
    return this.#own(await Receiver.start(answer), (made) => made.stop());
  }

  /** The usual merchant: an xpub wallet for USDT on this node. */
  async addXpubWallet() {
    this.merchant = new MerchantWallet();
    this.wallet = await this.api.create("/v1/wallets", {
      type: "evm", mode: "xpub", networks: ["ethereum"], assets: ["USDT"], evm: { xpub: this.merchant.xpub },
    });
    return this.wallet;
  }

  /** A webhook for every event, at this world's receiver. */
  async addWebhook(url = this.receiver.url) {
    // Events from before the webhook are not its own; on PostgreSQL their numbers follow within a second.
    const numbered = async () => (await this.api.get("/v1/events?limit=100")).data.every((event) => event.sequence !== null);
    await until("every event to be numbered", async () => (await numbered()) || undefined);
    this.webhookSince = (await this.api.events()).head.sequence;
    this.webhook = await this.api.create("/v1/webhooks", { url, enabled_events: ["*"] });
    this.secret = this.webhook.signing_secret;
    return this.webhook;
  }

  async checkout(amount, more = {}) {
    return this.api.create("/v1/checkouts", { amount, currency: "USD", ...more });
  }

  /** Sends the exact sum that the checkout's first option asks for, or `value`; not mined yet. */
  async pay(checkout, value = BigInt(optionOf(checkout).atomic)) {
    return this.anvil.send(this.payer, this.usdt, "transfer", [optionOf(checkout).address, value]);
  }

  /** Waits until the checkout looks as wanted, and answers it. */
  async untilCheckout(id, what, wanted) {
    return this.untilObject(`/v1/checkouts/${id}`, what, wanted);
  }

  async untilPayment(id, what, wanted) {
    return this.untilObject(`/v1/payments/${id}`, what, wanted);
  }

  async untilObject(path, what, wanted) {
    let last;
    const look = async () => {
      this.server.child.assertRunning();
      last = await this.api.get(path);
      return wanted(last) ? last : undefined;
    };
    return until(`${path} to be ${what}`, look, { seen: () => last });
  }

  /** The one payment of a checkout, once the server has seen it. */
  async paymentOf(checkoutId) {
    const seen = await this.untilCheckout(checkoutId, "seen", (checkout) => checkout.payments.length > 0);
    assert.equal(seen.payments.length, 1, "one transfer makes one payment");
    return this.api.get(`/v1/payments/${seen.payments[0]}`);
  }

  /** Waits until the receiver has had every event of the account that its webhook is due. */
  async untilDelivered(sinceSequence = this.webhookSince) {
    return until(
      "every event to be delivered",
      async () => {
        const { events } = await this.api.events();
        const had = new Set(this.receiver.events.map((event) => event.id));
        return events.every((event) => event.sequence <= sinceSequence || had.has(event.id)) ? events : undefined;
      },
      { seen: () => this.receiver.events.map((event) => [event.sequence, event.type]) },
    );
  }
}

export function optionOf(checkout) {
  assert.ok(checkout.payment_options.length > 0, "the checkout offers a way to pay");
  const [option] = checkout.payment_options;
  assert.equal(option.type, "evm");
  return option.evm;
}

/**
 * A test with a world of its own. Whatever happens the world is taken down; a failure carries the last words of the
 * server, since they are gone afterwards.
 */
export function worldTest(name, options, body) {
  test(name, async () => {
    const world = new World();
    try {
      await world.build(options);
      await body(world);
    } catch (error) {
      // The stack is what the runner prints; it was written when the error was made.
      const said = world.server?.child?.output ?? "(the server was not started)";
      error.stack += `\n--- the server's output ends with:\n${said.slice(-SHOWN_OUTPUT_CHARS)}\n---`;
      throw error;
    } finally {
      await world.takeDown();
    }
  });
}
