import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, describe, expect, it, vi } from "vitest";
import { register } from "../../src/cli/commands/cost.js";
import { preset } from "../../src/config/index.js";

afterEach(() => vi.restoreAllMocks());

describe("braid cost", () => {
  it("prints the promised JSON, with the printed figures of Table 9", async () => {
    const text = await braid("--size 1b --pattern TTTTTTTTTTTTTTTT --context 8192 --tokens 60e9 --json");
    const costs = JSON.parse(text);
    expect(Object.keys(costs)).toEqual(["params", "trainFlops", "flopsPerToken", "flopsPerSequence", "cacheBytes"]);
    expect(Object.keys(costs.params)).toEqual(["total", "nonEmbedding", "embedding"]);
    expect(Number(costs.trainFlops.toPrecision(2))).toBe(4.5e20);
    expect((costs.params.nonEmbedding / 1e9).toFixed(2)).toBe("0.97");
    expect(costs.cacheBytes).toBe(256 * 2 ** 20);
  });

  it("prints a table for people", async () => {
    const text = await braid("--size 1b --pattern TTTTTTTTTTTTTTTT --sequences 4");
    expect(text).toContain("256.0 MiB");
    expect(text).toContain("0.973 billion");
    expect(text).toContain("training memory, f32, 4 sequences of 8192");
    expect(text).toMatch(/^none +\d+\.\d+ +\d+\.\d+.*\nlight .*\nlayer /m);
  });

  it("reads a config from a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "braid-cost-"));
    try {
      const file = join(folder, "config.json");
      writeFileSync(file, JSON.stringify(preset("nano")));
      const fromFile = await braid(`--config ${file} --json`);
      expect(fromFile).toBe(await braid("--size nano --json"));
      writeFileSync(file, JSON.stringify({ ...preset("nano"), depth: 3 }));
      await expect(braid(`--config ${file}`)).rejects.toThrow(`${file}: config: unknown key "depth"`);
      writeFileSync(file, "{");
      await expect(braid(`--config ${file}`)).rejects.toThrow("is not JSON");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("compares a table of the paper with the formulas", async () => {
    const rows = JSON.parse(await braid("--paper 9 --json"));
    expect(rows).toHaveLength(29);
    expect(rows[4]).toMatchObject({
      model: "Mamba",
      blocks: "13M",
      cache_mib: 13.4,
      cache_mib_printed: 13,
      differs: "",
    });
    expect(await braid("--paper 10")).toContain("6T+6M");
  });

  it.each([
    ["--size 2b", 'size: "2b" is not known'],
    ["--paper 9 --size nano", "option '--paper <table>' cannot be used with option '--size <size>'"],
    ["--size 1b --pattern TTX", 'pattern: layer 3 is "X"'],
    ["--size 1b --tokens many", '--tokens: "many" is not a number; write it as 60e9 or 8192.'],
    ["--size 1b --context 0", "--context: 0 must be a whole number of at least 1."],
    ["--config none.json", "none.json cannot be read: is the path right?"],
    ["--config none.json --size 1b", "leave out --size"],
    ["", "--size: missing; give one of nano"],
    ["--paper 3", "--paper: Table 3 prints no costs that can be computed; tables that do are 4, 9, 10"],
  ])("refuses %s", async (args, message) => {
    await expect(braid(args)).rejects.toThrow(message);
  });
});

/** Runs the command in this process and returns what it printed. */
async function braid(args: string): Promise<string> {
  const program = new Command().exitOverride().configureOutput({ writeErr: () => {} });
  register(program);
  let printed = "";
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  try {
    await program.parseAsync(["cost", ...args.split(" ").filter((arg) => arg !== "")], { from: "user" });
  } finally {
    spy.mockRestore();
  }
  return printed;
}
