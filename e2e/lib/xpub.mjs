// A merchant's wallet made for one test from a random seed. The server gets the extended public key alone; the test
// derives the same addresses from the private side, so that the two derivations check each other.
import { randomBytes } from "node:crypto";
import { HDKey } from "@scure/bip32";
import { toHex } from "viem";
import { privateKeyToAddress } from "viem/accounts";

const ACCOUNT_PATH = "m/44'/60'/0'";

export class MerchantWallet {
  constructor() {
    this.account = HDKey.fromMasterSeed(randomBytes(32)).derive(ACCOUNT_PATH);
    this.xpub = this.account.publicExtendedKey;
    this.xprv = this.account.privateExtendedKey;
  }

  /** The address at `0/index` under the account, checksummed (EIP-55). */
  address(index) {
    return privateKeyToAddress(toHex(this.account.deriveChild(0).deriveChild(index).privateKey));
  }

  /** The index of an address among the first `limit`, or -1. */
  indexOf(address, limit = 200) {
    for (let index = 0; index < limit; index += 1) {
      if (this.address(index).toLowerCase() === address.toLowerCase()) return index;
    }
    return -1;
  }
}
