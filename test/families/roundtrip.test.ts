/** What braid saves, transformers loads: the same logits come out of both. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { known } from "../../src/config/known/index.js";
import { parseConfig } from "../../src/config/schema.js";
import { logitsOf } from "../../src/evaluate/logits.js";
import { familyOf, familyTypes } from "../../src/model/families/table.js";
import { loadModel, saveModel } from "../../src/model/folder.node.js";
import { initialValues } from "../../src/model/initialise.js";
import { layoutOf, Parameters } from "../../src/model/parameters.js";
import { encodeSafetensors, type FloatType } from "../../src/model/safetensors.js";
import { openWeights } from "../../src/model/weight-files.node.js";
import { random, useGpu } from "../ops/harness.js";
import { fixtures, folderOf } from "./fixtures.js";

const python = process.env.BRAID_PYTHON ?? "python3";
const asks =
  "import importlib.metadata as m; m.version('torch'); assert int(m.version('transformers').split('.')[0]) >= 5";
const present = spawnSync(python, ["-c", asks]).status === 0;
if (!present) {
  console.warn(
    `Round trip through transformers skipped: ${python} has no torch and transformers 5; pip install both, or set BRAID_PYTHON to a Python that has them.`,
  );
}

/** Models made by braid: published structures in each family's smallest size, and variants of them that families allow. */
const made: { name: string; type: string; preset: string; change?: object; dtype?: FloatType }[] = [
  { name: "llama", type: "llama", preset: "llama-3.2-1b", dtype: "BF16" },
  {
    name: "llama with heads of other widths",
    type: "llama",
    preset: "llama-3.2-1b",
    change: { attention: { heads: 4, kvHeads: 1, headDim: 12, rope: { theta: 10_000 } }, tieEmbeddings: false },
  },
  { name: "mistral of full attention", type: "mistral", preset: "llama-3.2-1b" },
  {
    name: "mistral of sliding windows",
    type: "mistral",
    preset: "llama-3.2-1b",
    change: { pattern: "SSS", window: { size: 9, sink: 0, rope: { theta: 10_000 } } },
  },
  { name: "mamba", type: "mamba", preset: "mamba-130m" },
  { name: "mamba2", type: "mamba2", preset: "mamba2-130m", dtype: "F16" },
  { name: "jamba", type: "jamba", preset: "jamba-v0.1" },
  {
    name: "jamba without attention and experts",
    type: "jamba",
    preset: "jamba-v0.1",
    change: { pattern: "JJ", ffnPattern: "FF", attention: undefined, moe: undefined },
  },
  {
    name: "jamba without Mamba and dense networks",
    type: "jamba",
    preset: "jamba-v0.1",
    change: { pattern: "TT", ffnPattern: "EE", mamba1: undefined, ffn: undefined },
  },
  { name: "bamba", type: "bamba", preset: "bamba-9b", dtype: "BF16" },
  { name: "granitemoehybrid", type: "granitemoehybrid", preset: "granite-4.0-h-tiny" },
  { name: "granitemoehybrid without experts", type: "granitemoehybrid", preset: "granite-4.0-h-micro" },
  {
    name: "granitemoehybrid without Mamba",
    type: "granitemoehybrid",
    preset: "granite-4.0-h-micro",
    change: { pattern: "TT", ssm: undefined },
  },
  {
    name: "granitemoehybrid with rotary positions",
    type: "granitemoehybrid",
    preset: "granite-4.0-h-micro",
    change: { attention: { heads: 4, kvHeads: 1, headDim: 8, rope: { theta: 10_000 } } },
  },
  {
    name: "granitemoehybrid without attention",
    type: "granitemoehybrid",
    preset: "granite-4.0-h-micro",
    change: { pattern: "MM", attention: undefined },
  },
  { name: "nemotron_h", type: "nemotron_h", preset: "nemotron-h-8b" },
  {
    name: "nemotron_h without attention",
    type: "nemotron_h",
    preset: "nemotron-h-8b",
    change: { pattern: "M-M", ffnPattern: "-F-", attention: undefined },
  },
  {
    name: "nemotron_h without Mamba",
    type: "nemotron_h",
    preset: "nemotron-h-8b",
    change: { pattern: "T-T", ffnPattern: "-F-", ssm: undefined },
  },
  { name: "falcon_h1", type: "falcon_h1", preset: "falcon-h1-0.5b" },
  {
    name: "diffllama",
    type: "diffllama",
    preset: "llama-3.2-1b",
    change: { pattern: "DDD", attention: { heads: 6, kvHeads: 2, headDim: 8, rope: { theta: 10_000 } }, dModel: 48 },
  },
  { name: "zamba2", type: "zamba2", preset: "zamba2-1.2b" },
  { name: "zamba2 without hybrid layers", type: "zamba2", preset: "zamba2-1.2b", change: { pattern: "MM" } },
];
const kept = fixtures.filter((fixture) => familyOf(typeOf(folderOf(fixture))));

function typeOf(folder: string): string {
  return JSON.parse(readFileSync(join(folder, "config.json"), "utf8")).model_type;
}

const root = mkdtempSync(join(tmpdir(), "braid-roundtrip-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const holder = useGpu();

/** A fixture, read and saved in the type that it is stored in; every second one in shards. */
function resave(fixture: string, i: number): string {
  const folder = join(root, fixture);
  const { config, values, tokenizer, type } = loadModel(folderOf(fixture));
  const weights = openWeights(folderOf(fixture));
  const dtype = weights.entry([...weights.keys()][0])!.dtype as FloatType;
  saveModel(folder, config, values, tokenizer, {
    as: type,
    dtype,
    maxShardBytes: i % 2 === 0 ? 16_000 : undefined,
    // The default of the class is outside some of these vocabularies.
    extra: { pad_token_id: null },
  });
  return folder;
}

/** A model made and saved by braid, and beside it the logits that braid gives with the weights as saved. */
async function make({ name, type, preset, change, dtype }: (typeof made)[number]) {
  const [folder, expected] = [join(root, name), join(root, `${name}.safetensors`)];
  const config = parseConfig({ ...known(preset, { tiny: true }), ...change });
  const parameters = new Parameters(holder.gpu, config, false);
  // Moved a little, so that no norm weight or bias is just 1 or 0.
  const moves = random([parameters.size], 6, 0.05);
  const values = initialValues(parameters, 5).map((value, i) => value + moves[i]);
  saveModel(folder, config, values, "bytes", { as: type, dtype, extra: { pad_token_id: null } });
  const saved = loadModel(folder);
  expect(layoutOf(saved.config).table.map(({ name }) => name)).toEqual(layoutOf(config).table.map(({ name }) => name));
  parameters.load(saved.values);
  const ids = Float32Array.from({ length: 64 }, (_, i) => (i * i * 7 + 3) % config.vocabSize);
  const [logits] = await logitsOf(holder.gpu, parameters, [ids]);
  parameters.destroy();
  const tensors = {
    "ids.64": { shape: [64], values: ids },
    "logits.64": { shape: [64, config.vocabSize], values: logits },
  };
  writeFileSync(expected, encodeSafetensors(new Map(Object.entries(tensors))));
  return { name, folder, expected };
}

interface Result {
  error?: string;
  class?: string;
  wrong?: Record<string, string[]>;
  errors?: Record<string, number>;
}

describe.skipIf(!present)("transformers loads what braid saves, and gives the same logits:", () => {
  let results: Record<string, Result>;

  // One process, because it takes long to start.
  beforeAll(async () => {
    const cases = kept.map((name, i) => ({
      name,
      folder: resave(name, i),
      expected: join(folderOf(name), "expected.safetensors"),
    }));
    for (const one of made) cases.push(await make(one));
    const [list, found] = [join(root, "cases.json"), join(root, "results.json")];
    writeFileSync(list, JSON.stringify(cases));
    const script = fileURLToPath(new URL("roundtrip.py", import.meta.url));
    execFileSync(python, [script, list, found], { stdio: "pipe", env: { OMP_NUM_THREADS: "2", ...process.env } });
    results = JSON.parse(readFileSync(found, "utf8"));
  }, 600_000);

  function expectSame(name: string, type: string, lengths: string[]): void {
    const { error, class: loaded, wrong, errors } = results[name];
    expect({ error, loaded, wrong }).toEqual({ error: undefined, loaded: familyOf(type)?.architecture, wrong: {} });
    expect(Object.keys(errors!)).toEqual(expect.arrayContaining(lengths));
    const off = Object.entries(errors!).filter(([, value]) => !(value <= 1e-4));
    expect(off, "lengths with logits off by more than a ten-thousandth").toEqual([]);
  }

  it.each(kept)("%s, which transformers made, braid read and saved", (fixture) => {
    expectSame(fixture, typeOf(folderOf(fixture)), ["1", "7", "64", "300"]);
  });

  it.each(made)("$name, which braid made", ({ name, type }) => {
    expectSame(name, type, ["64"]);
  });

  it("has a model that braid made for every family", () => {
    expect(familyTypes().filter((type) => !made.some((one) => one.type === type))).toEqual([]);
  });
});
