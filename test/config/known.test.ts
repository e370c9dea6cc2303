import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { afterEach, describe, expect, it, vi } from "vitest";
import { register } from "../../src/cli/commands/presets.js";
import { blocksOf, countParameters, type ModelConfig, parameterTable, parseConfig } from "../../src/config/index.js";
import { KNOWN, known } from "../../src/config/known/index.js";
import { shortPattern } from "../../src/config/known/short-pattern.js";
import { presetRows } from "../../src/config/known/table.js";
import { expectGolden } from "../findings/golden.js";

afterEach(() => vi.restoreAllMocks());

const dataFile = (name: string) => fileURLToPath(new URL(`../../data/models/${name}`, import.meta.url));

/** Names and counts of data/models/counts.csv, which transformers made. */
const counts = readFileSync(dataFile("counts.csv"), "utf8")
  .trim()
  .split("\n")
  .slice(1)
  .map((line): [string, number] => [line.split(",")[0], Number(line.split(",")[1])]);

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
    const allowed = Math.max(0.01 * model.published, model.unit / 2);
    if (model.differences === "") expect(off).toBeLessThanOrEqual(model.unit === 1 ? 0 : allowed);
    else expect(off === 0 || model.differences.length > 20).toBe(true);
    expect(model.source).not.toBe("");
  });

  it.each(counts)("%s publishes what transformers counts", (name, count) => {
    expect(KNOWN.find((model) => model.name === name)?.published).toBe(count);
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
    expect(countParameters(tiny).total).toBeLessThan(2e6);
    // What a file holds is what was meant.
    for (const config of [full, tiny]) expect(parseConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
  });

  it("names what it knows when a name is not known", () => {
    expect(() => known("llama-9")).toThrow(
      /^preset: "llama-9" is not known; presets are llama-3.2-1b, .*nemotron-h-8b/,
    );
    expect(known("Jamba-v0.1")).toEqual(known("jamba-v0.1"));
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
