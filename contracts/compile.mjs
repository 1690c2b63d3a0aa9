// Compiles every contract of this folder and writes one artifact each: ABI, bytecode, compiler and source hash.
// With --check it writes nothing and fails when a committed artifact differs by one byte from what the sources give.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

const here = dirname(fileURLToPath(import.meta.url));
const artifactsDir = join(here, "artifacts");
const { devDependencies } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));

// No metadata hash and no CBOR trailer: the bytecode depends on the code alone, not on paths or comments.
const settings = {
  optimizer: { enabled: true, runs: 1_000_000 },
  evmVersion: "paris",
  metadata: { bytecodeHash: "none", appendCBOR: false },
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"] } },
};

function compileAll() {
  const wanted = devDependencies.solc;
  const compiler = solc.version();
  if (!compiler.startsWith(`${wanted}+`)) {
    throw new Error(`package.json pins solc ${wanted}, but ${compiler} is installed: run npm ci`);
  }
  const files = readdirSync(here).filter((name) => name.endsWith(".sol")).sort();
  const texts = Object.fromEntries(files.map((name) => [name, readFileSync(join(here, name), "utf8")]));
  const sources = Object.fromEntries(files.map((name) => [name, { content: texts[name] }]));
  const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
  // A warning is a failure too: these contracts are small enough to have none.
  if (output.errors?.length) {
    throw new Error(output.errors.map((found) => found.formattedMessage).join("\n"));
  }
  const artifacts = new Map();
  for (const file of files) {
    for (const [contract, made] of Object.entries(output.contracts[file])) {
      const artifact = {
        contract,
        source: file,
        source_sha256: createHash("sha256").update(texts[file]).digest("hex"),
        solc: compiler,
        settings: { evm_version: settings.evmVersion, optimizer_runs: settings.optimizer.runs, bytecode_hash: "none", append_cbor: false },
        abi: made.abi,
        bytecode: `0x${made.evm.bytecode.object}`,
        deployed_bytecode: `0x${made.evm.deployedBytecode.object}`,
      };
      artifacts.set(`${contract}.json`, `${JSON.stringify(artifact, null, 2)}\n`);
    }
  }
  return artifacts;
}

function committed() {
  try {
    return readdirSync(artifactsDir).filter((name) => name.endsWith(".json"));
  } catch (error) {
    if (error.code === "ENOENT") return [];
    throw error;
  }
}

function differences(artifacts) {
  const found = [];
  const present = new Set(committed());
  for (const [name, text] of artifacts) {
    if (!present.has(name)) found.push(`artifacts/${name} is missing`);
    else if (readFileSync(join(artifactsDir, name), "utf8") !== text) found.push(`artifacts/${name} differs from what its source compiles to`);
  }
  for (const name of present) {
    if (!artifacts.has(name)) found.push(`artifacts/${name} belongs to no source`);
  }
  return found;
}

const artifacts = compileAll();
if (process.argv.includes("--check")) {
  const found = differences(artifacts);
  if (found.length > 0) {
    console.error(`${found.join("\n")}\nRun \`npm run build\` in contracts/ and commit the result.`);
    process.exit(1);
  }
  console.log(`${artifacts.size} artifacts are byte for byte what the sources compile to`);
} else {
  mkdirSync(artifactsDir, { recursive: true });
  for (const [name, text] of artifacts) writeFileSync(join(artifactsDir, name), text);
  console.log(`wrote ${[...artifacts.keys()].join(", ")}`);
}
