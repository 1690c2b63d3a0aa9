// A real EVM node (anvil) on a port of its own, mining only when told.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createPublicClient, createTestClient, createWalletClient, defineChain, encodeFunctionData, http } from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { Child, freePort } from "./process.mjs";
import { until } from "./wait.mjs";

const require = createRequire(import.meta.url);
export const CHAIN_ID = 31337;
/** With two slots in an epoch `safe` is two and `finalized` four blocks behind the head. */
const SLOTS_IN_EPOCH = 2;
export const FINALIZED_LAG_BLOCKS = 2 * SLOTS_IN_EPOCH;
/** The node's own published development mnemonic; its accounts hold test money only. */
const DEV_MNEMONIC = "test test test test test test test test test test test junk";
/** Blocks of history kept in memory: bounds the disk use and still allows every reorg of these tests. */
const HISTORY_BLOCKS = 64;

/** Plenty for a call of these tests; given, so that nothing is estimated against a state that isn't mined yet. */
const CALL_GAS = 3_000_000n;

const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };

function anvilBinary() {
  const folder = `@foundry-rs/anvil-${process.platform}-${ARCHITECTURES[process.arch]}`;
  const anvil = require.resolve("@foundry-rs/anvil/package.json");
  return join(dirname(anvil), "..", "..", folder, "bin", "anvil");
}

export function artifact(name) {
  return JSON.parse(readFileSync(new URL(`../../contracts/artifacts/${name}.json`, import.meta.url), "utf8"));
}

export class Anvil {
  static async start() {
    const anvil = new Anvil();
    anvil.port = await freePort();
    anvil.url = `http://127.0.0.1:${anvil.port}`;
    anvil.child = new Child(anvilBinary(), [
      "--host", "127.0.0.1", "--port", String(anvil.port), "--chain-id", String(CHAIN_ID), "--no-mining",
      "--slots-in-an-epoch", String(SLOTS_IN_EPOCH), "--prune-history", String(HISTORY_BLOCKS), "--mnemonic", DEV_MNEMONIC, "--silent",
    ]);
    const chain = defineChain({
      id: CHAIN_ID, name: "anvil", nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 }, rpcUrls: { default: { http: [anvil.url] } },
    });
    const transport = http(anvil.url, { retryCount: 0 });
    anvil.chain = chain;
    anvil.public = createPublicClient({ chain, transport, cacheTime: 0 });
    anvil.test = createTestClient({ chain, transport, mode: "anvil" });
    anvil.accounts = [0, 1, 2, 3].map((addressIndex) => mnemonicToAccount(DEV_MNEMONIC, { addressIndex }));
    anvil.walletOf = (account) => createWalletClient({ account, chain, transport });
    await until("anvil to answer", async () => {
      anvil.child.assertRunning();
      return (await anvil.public.getChainId()) === CHAIN_ID;
    });
    // Block 0 alone is finalized at the start; a few blocks more make every tag point at a real height.
    await anvil.mine(FINALIZED_LAG_BLOCKS + 1);
    return anvil;
  }

  async mine(blocks = 1) {
    for (let i = 0; i < blocks; i += 1) await this.test.mine({ blocks: 1 });
  }

  /** Replaces the last `depth` blocks by empty ones; what was in them is gone and not queued again. */
  async reorg(depth) {
    await this.public.request({ method: "anvil_reorg", params: [depth, []] });
  }

  /** Mines one block and answers the receipt of a transaction that has to be in it and to have succeeded. */
  async mined(hash) {
    await this.mine();
    const receipt = await this.public.getTransactionReceipt({ hash });
    if (receipt.status !== "success") throw new Error(`transaction ${hash} reverted`);
    return receipt;
  }

  async deploy(name, args, account = this.accounts[0]) {
    const { abi, bytecode } = artifact(name);
    const hash = await this.walletOf(account).deployContract({ abi, bytecode, args });
    const { contractAddress } = await this.mined(hash);
    return { abi, address: contractAddress };
  }

  /** Sends a contract call without mining it. */
  async send(account, contract, functionName, args, gas = CALL_GAS) {
    return this.walletOf(account).writeContract({ ...contract, functionName, args, gas });
  }

  /** Signs a contract call and answers the raw transaction, which may then be sent more than once. */
  async signed(account, contract, functionName, args) {
    const wallet = this.walletOf(account);
    const data = encodeFunctionData({ abi: contract.abi, functionName, args });
    const request = await wallet.prepareTransactionRequest({ to: contract.address, data, gas: 300_000n });
    return wallet.signTransaction(request);
  }

  async broadcast(raw) {
    return this.public.sendRawTransaction({ serializedTransaction: raw });
  }

  async stop() {
    await this.child.end("SIGKILL");
  }
}
