import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { afterEach, describe, expect, it, vi } from "vitest";
import { register } from "../../src/cli/commands/presets.js";
import { blocksOf, countParameters, type ModelConfig, parameterTable, parseConfig } from "../../src/config/index.js";
import { KNOWN, known, knownModel } from "../../src/config/known/index.js";
import { shortPattern } from "../../src/config/known/short-pattern.js";
import { presetRows } from "../../src/config/known/table.js";
import { activeWeights, cost, estimateTrainingMemory } from "../../src/cost/index.js";
import { Fields, type Json } from "../../src/model/families/fields.js";
import { familyOf } from "../../src/model/families/table.js";
import { expectGolden } from "../findings/golden.js";

afterEach(() => vi.restoreAllMocks());

const dataFile = (name: string) => fileURLToPath(new URL(`../../data/models/${name}`, import.meta.url));

/** Names and counts of data/models/counts.csv, which transformers made. */
const counts = readFileSync(dataFile("counts.csv"), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line): [string, number] => [line.split(",")[0], Number(line.split(",")[1])]);

/** data/models/configs.json, its short lists of layers written out as in data/models/count.py. */
const published: Record<string, Json> = Object.fromEntries(
  Object.entries(JSON.parse(readFileSync(dataFile("configs.json"), "utf8")) as Record<string, Json>).map(
    ([name, fields]) => [
      name,
      Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, list(key, value)])),
    ],
  ),
);

function list(key: string, value: unknown): unknown {
  if (typeof value !== "string" || !["layer_types", "layers_block_type"].includes(key)) return value;
  return value.split(" ").flatMap((part) => {
    const [name, times = "1"] = part.split("*");
    return new Array<string>(Number(times)).fill(name);
  });
}

/** Those whose folders braid reads and writes. */
const readable = Object.entries(published).flatMap(([name, json]) => {
  const family = familyOf(String(json.model_type));
  return family ? [[name, json, family] as const] : [];
});

/** Presets that are more than 1 % off, which their `differences` then say. */
const percentOff: Record<string, number> = { "intra-h-100m": 5.1 };

const lettersOf = (config: ModelConfig) => new Set(blocksOf(config).map(({ spec }) => spec.letter));

describe("presets of published models", () => {
  it("have the table of data/golden", () => {
    expectGolden(
      "presets",
      presetRows().map((row) => ({ ...row })),
    );
  });

  it.each(KNOWN.map((model) => [model.name, model] as const))("%s has the published number of weights", (_, model) => {
    const count = countParameters(model.config());
    const off = Math.abs((model.counted === "all" ? count.total : count.nonEmbedding) - model.published);
    // Printed figures are rounded; what is left out on purpose is said.
    const allowed = Math.max((percentOff[model.name] ?? 1) * 0.01 * model.published, model.unit / 2);
    expect(off).toBeLessThanOrEqual(model.unit === 1 && model.differences === "" ? 0 : allowed);
    expect(model.source).not.toBe("");
  });

  it.each(counts)("%s publishes what transformers counts", (name, count) => {
    expect(KNOWN.find((model) => model.name === name)?.published).toBe(count);
  });

  it("says why where a preset is more than 1 % off", () => {
    for (const name of Object.keys(percentOff)) expect(knownModel(name).differences).not.toBe("");
  });

  it("has the sum of Hymba's parts, which transformers doesn't have, as its published count", () => {
    const [d, inner, states, rank, ffn, layers] = [1600, 3200, 16, 100, 5504, 32];
    const keysAndValues = d * (5 * 64 + 5 * 128);
    const projections = d * (2 * inner + 25 * 64) + keysAndValues + inner * d;
    const selection = inner * (rank + 2 * states) + rank * inner + inner + (rank + 2 * states);
    const scan = inner * states + inner + inner * (4 + 1);
    const branchNorms = 2 * inner;
    const layer = projections + selection + scan + branchNorms + 3 * d * ffn + 2 * d;
    // 15 layers have the keys and values of the one before them; 128 meta tokens stand before every text.
    const total = layers * layer - 15 * keysAndValues + 128 * d + 32_001 * d + d;
    expect(knownModel("hymba-1.5b").published).toBe(total);
  });

  it("have every exact count from transformers", () => {
    const exact = KNOWN.filter((model) => model.unit === 1 && model.family !== "Hymba").map((model) => model.name);
    expect(exact.sort()).toEqual(counts.map(([name]) => name).sort());
    expect(existsSync(dataFile("configs.json"))).toBe(true);
  });

  it.each(KNOWN.map((model) => [model.name, model] as const))("%s has a tiny variant of its structure", (_, model) => {
    const [full, tiny] = [model.config(), model.tiny()];
    expect(lettersOf(tiny)).toEqual(lettersOf(full));
    expect(Object.keys(tiny).sort()).toEqual(Object.keys(full).sort());
    expect(tiny.tieEmbeddings).toBe(full.tieEmbeddings);
    expect([...tiny.pattern].length).toBeLessThanOrEqual(8);
    expect(parameterTable(tiny).length).toBeGreaterThan(0);
    expect(countParameters(tiny).total).toBeLessThan(3e5);
    // What a file holds is what was meant.
    for (const config of [full, tiny]) expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  it("are of families whose folders are read and written, but for a few", () => {
    expect(readable.length).toBeGreaterThanOrEqual(8);
  });

  it.each(readable)("%s is what its published config.json reads as", (name, json, family) => {
    expect(comparable(family.config(new Fields(json, name)))).toEqual(comparable(known(name)));
  });

  it.each(readable)("%s's tiny variant is the same after writing a config.json and reading it", (name, _, family) => {
    const tiny = known(name, { tiny: true });
    const written = JSON.parse(JSON.stringify(family.json(tiny))) as Json;
    expect(comparable(family.config(new Fields(written, name)))).toEqual(comparable(tiny));
  });

  it("names what it knows when a name is not known", () => {
    expect(() => known("llama-9")).toThrow(
      /^preset: "llama-9" is not known; presets are llama-3.2-1b, .*nemotron-h-8b/,
    );
    expect(known("Jamba-v0.1")).toEqual(known("jamba-v0.1"));
  });
});

/** Without what no config.json has, and with numbers to 12 digits: 1/6 is not always the same. */
function comparable(config: ModelConfig): unknown {
  const plain = JSON.parse(JSON.stringify(config), (_, value) =>
    typeof value === "number" ? Number(value.toPrecision(12)) : value,
  );
  delete plain.ssm?.chunk;
  return plain;
}

describe("costs of presets", () => {
  it.each([
    ["jamba-v0.1", 12, "arXiv:2403.19887: 12B active of 52B"],
    ["granite-4.0-h-tiny", 1, "its model card: 1B active of 7B"],
  ])("%s passes about %d billion weights a token (%s)", (name, billions) => {
    const config = known(name);
    // One use of the embedding: the other end is a look-up.
    const active = activeWeights(config) + config.vocabSize * config.dModel;
    expect(Math.round(active / 1e9)).toBe(billions);
  });

  it("have finite FLOPs, cache and training memory", () => {
    for (const { config, tiny } of KNOWN) {
      const { flopsPerToken, cacheBytes } = cost(config(), { context: 4096, tokens: 1 });
      // At least the forward and backward pass of every active weight.
      expect(flopsPerToken).toBeGreaterThan(6 * activeWeights(config()));
      expect(cacheBytes).toBeGreaterThan(0);
      const memory = estimateTrainingMemory(tiny(), { sequences: 2, length: 64 });
      expect(memory.activations).toBeGreaterThan(4 * 128 * tiny().dModel);
    }
  });

  it("grow with the context only where there is full attention", () => {
    const growth = (name: string) => {
      const at = (context: number) => cost(known(name), { context, tokens: 1 }).cacheBytes;
      return at(32_768) - at(16_384);
    };
    expect(growth("mamba-2.8b")).toBe(0);
    expect(growth("samba-421m")).toBe(0);
    // Two bytes, keys and values, 8 heads of 128 in 4 layers.
    expect(growth("jamba-v0.1")).toBe(16_384 * 2 * 2 * 8 * 128 * 4);
    // 9 uses of the shared blocks have 9 caches.
    expect(growth("zamba2-2.7b")).toBe(16_384 * 2 * 2 * 32 * 160 * 9);
  });
});

describe("shortPattern", () => {
  it.each([
    ["T", "T"],
    ["MM", "MM"],
    ["TTTTTTTTTTTTTTTT", "16T"],
    ["JJJJTJJJJJJJTJJJ", "2(4JT3J)"],
    ["MMMTMMMTMMMTMM", "3(3MT)MM"],
    ["M-M-M-M-T", "4(M-)T"],
  ])("writes %s as %s", (pattern, short) => {
    expect(shortPattern(pattern)).toBe(short);
  });

  it("can be read back, for every preset", () => {
    const read = (text: string): string => {
      const inner = text.replace(/(\d+)(?:\(([^()]*)\)|([^\d()]))/g, (_, times, group, letter) =>
        (group === undefined ? letter : read(group)).repeat(Number(times)),
      );
      return inner === text ? text : read(inner);
    };
    for (const { config } of KNOWN) expect(read(shortPattern(config().pattern))).toBe(config().pattern);
  });
});

describe("braid presets", () => {
  it("prints a table of all presets", async () => {
    const lines = (await braid("")).trimEnd().split("\n");
    expect(lines).toHaveLength(KNOWN.length + 2);
    expect(lines[2]).toMatch(/^llama-3.2-1b +16 +16T +1,235,814,400 +1,235,814,400 +0$/);
    expect(JSON.parse(await braid("--json"))).toEqual(JSON.parse(JSON.stringify(presetRows())));
  });

  it("prints a config that can be read as one", async () => {
    expect(parseConfig(JSON.parse(await braid("jamba-v0.1")))).toEqual(known("jamba-v0.1"));
    expect(parseConfig(JSON.parse(await braid("jamba-v0.1 --tiny")))).toEqual(known("jamba-v0.1", { tiny: true }));
  });

  it("refuses a name that it does not know, and --tiny without one", async () => {
    await expect(braid("gpt-5")).rejects.toThrow('preset: "gpt-5" is not known; presets are llama-3.2-1b');
    await expect(braid("--tiny")).rejects.toThrow("--tiny: name the preset");
  });
});

async function braid(args: string): Promise<string> {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const program = new Command().exitOverride();
  register(program);
  await program.parseAsync(["presets", ...args.split(" ").filter((arg) => arg !== "")], { from: "user" });
  return text;
}
