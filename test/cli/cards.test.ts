import { afterEach, describe, expect, test, vi } from "vitest";
import { assumedMemory, chooseCards } from "../../src/cli/cards.js";
import type { FoundAdapter } from "../../src/gpu/adapters.node.js";

const gpu = (name: string, rest: Partial<FoundAdapter> = {}): FoundAdapter => ({
  name,
  software: false,
  env: { BRAID_ADAPTER: name },
  ...rest,
});
const software: FoundAdapter = { name: "SwiftShader", software: true, env: { BRAID_ADAPTER: "software" } };
const big = gpu("Brand H100", { memory: { bytes: 80e9, source: "test" } });
const small = gpu("Brand T4");
const twin = gpu("Brand T4", { env: undefined });
const names = (found: FoundAdapter[], adapters?: string) =>
  chooseCards(found, { adapters }).cards.map(({ name }) => name);

afterEach(() => vi.unstubAllEnvs());

describe("the cards of a sweep", () => {
  test("are all GPUs, with processes by measuring and nine tenths of their memory", () => {
    vi.stubEnv("BRAID_ADAPTER", undefined);
    expect(chooseCards([big, small, software], {}).cards).toEqual([
      { name: "Brand H100", env: { BRAID_ADAPTER: "Brand H100" }, jobs: "auto", memory: 72e9 },
      { name: "Brand T4", env: { BRAID_ADAPTER: "Brand T4" }, jobs: "auto", memory: assumedMemory },
    ]);
  });

  test("are the software adapter, one process at a time, where there is no GPU", () => {
    vi.stubEnv("BRAID_ADAPTER", undefined);
    const { cards } = chooseCards([software], {});
    expect(cards).toMatchObject([{ name: "SwiftShader", jobs: 1 }]);
    expect(() => chooseCards([], {})).toThrow('No WebGPU adapter to train on. Run "braid doctor".');
  });

  test("are what BRAID_ADAPTER names, unless --adapters says otherwise", () => {
    vi.stubEnv("BRAID_ADAPTER", "software");
    expect(names([big, software])).toEqual(["SwiftShader"]);
    expect(names([big, software], "all")).toEqual(["Brand H100"]);
    vi.stubEnv("BRAID_ADAPTER", "hardware");
    expect(() => names([software])).toThrow('BRAID_ADAPTER: "hardware" is no adapter of this machine');
  });

  test("are named by number or part of the name, each once", () => {
    expect(names([big, small, software], "h100,2,0")).toEqual(["Brand H100", "SwiftShader"]);
    expect(names([big, small, software], "brand")).toEqual(["Brand H100", "Brand T4"]);
  });

  test.each(["x", "3", ""])("are not %j", (item) => {
    expect(() => names([big, software], item)).toThrow(
      `--adapters: "${item}" is no adapter of this machine; it has 0: Brand H100; 1: SwiftShader`,
    );
  });

  test("leave out the second of two that cannot be told apart, and say so", () => {
    const { cards, notes } = chooseCards([small, twin, twin], { adapters: "all" });
    expect(cards).toHaveLength(1);
    expect(notes).toEqual([
      expect.stringMatching(/^2 more Brand T4 cannot be told from the first and stay idle: install/),
    ]);
    expect(() => names([small, twin], "1")).toThrow(
      "--adapters: Brand T4 (1) cannot be told from the first of its name",
    );
  });

  test("take the memory and the number of processes that are given", () => {
    const { cards } = chooseCards([small], { adapters: "all", jobs: 3, memory: 5e9 });
    expect(cards).toMatchObject([{ jobs: 3, memory: 5e9 }]);
    // With a number given and nothing known, the number is all there is to go by.
    expect(chooseCards([small], { adapters: "all", jobs: 3 }).cards[0].memory).toBe(Number.POSITIVE_INFINITY);
  });
});
