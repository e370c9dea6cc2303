import { describe, expect, it } from "vitest";
import {
  countParameters,
  parameterTable,
  parseConfig,
  parseSize,
  preset,
  requireBuildable,
} from "../../src/config/index.js";
import type { HybridConfig } from "../../src/config/types.js";
import { linearWeights, mixerCost } from "../../src/cost/index.js";
import { paperTable } from "../../src/findings/paper.node.js";
import { forms, joint, tinyHybrid } from "../model/blocks/hybrids.js";

describe("the splits of Table 20", () => {
  const rows = paperTable("table20").filter(({ n_hyb }) => n_hyb);
  it.each(rows.map((row) => [String(row.size), String(row.dim_ratio_attn_to_mamba), row] as const))(
    "can be built at %s, %s",
    (size, _, { d_qk_attn, d_mamba_pre_expansion, n_hyb }) => {
      const config = preset(parseSize(size), { pattern: "H".repeat(Number(n_hyb)) });
      const split = { dQk: Number(d_qk_attn), dSsm: 2 * Number(d_mamba_pre_expansion) };
      expect(() => requireBuildable(parseConfig({ ...config, hybrid: { ...config.hybrid, ...split } }))).not.toThrow();
    },
  );
});

describe("the linear weights of H", () => {
  it.each(Object.entries(forms))(
    "are those of its parameters that are no norms, biases, D or scales: %s",
    (_, form) => {
      const config = tinyHybrid(form, "HM");
      const uncounted = parameterTable(config)
        .filter(({ name }) => /norm\.weight$|bias$|\.D$|\.scale$|\.lambda_..$/.test(name) && !name.endsWith("dt_bias"))
        .reduce((total, { shape }) => total + shape[0], 0);
      expect(countParameters(config).nonEmbedding - linearWeights(config)).toBe(uncounted);
    },
  );

  it("cost attention's products as wide as they are where the values' width is given, a window's no further than it sees", () => {
    const extra = (pattern: string) =>
      (["H", "W"] as const).map((letter) => mixerCost(tinyHybrid({}, pattern), letter, 100).extraFlops);
    // 16 for queries and keys, 32 for values; 5,050 pairs of 100 tokens, 11 · 6 + 11 · 89 under a window of 9 + 2.
    const scan = 3 * 100 * (9 * 32 * 8 + 2 * 32);
    expect(extra("HW")).toEqual([6 * 48 * 5050 + scan, 6 * 48 * (66 + 979) + scan]);
  });
});

describe("a section hybrid that makes no sense", () => {
  it.each<[Partial<HybridConfig>, string]>([
    [{ fusion: "concat", output: "separate" }, 'hybrid.output: "separate", but branches side by side'],
    [
      { scale: "gate" },
      'hybrid.scale: "gate" weighs the branches before a common output projection; set output "joint".',
    ],
    [
      { ...joint, dSsm: 64 },
      'hybrid.dSsm: 64, but branches that are fused by "subtract" before their projection have one width, and attention gives 32.',
    ],
    [{ value: "shared", dSsm: 64 }, "hybrid.dSsm: 64, but a shared value has one width"],
    [{ fusion: "concat", scale: "alpha", dSsm: 64 }, 'hybrid.dSsm: 64, but branches under one "alpha" have one width'],
    [{ dQk: 12 }, "hybrid.dQk / heads: 3 is odd, but attention.rope rotates pairs"],
    [{ dQk: 12, rope: { theta: 100 } }, "hybrid.dQk / heads: 3 is odd, but hybrid.rope rotates pairs"],
    [{ fusion: "multiply" } as never, 'hybrid.fusion: "multiply" must be "add", "subtract" or "concat".'],
  ])("%j is refused in one sentence", (form, message) => {
    expect(() => tinyHybrid(form)).toThrow(message);
  });

  it("turns heads by the window's rotation in W, unless it has one of its own", () => {
    expect(() => tinyHybrid({ dQk: 12 }, "WM")).toThrow("hybrid.dQk / heads: 3 is odd, but window.rope rotates pairs");
    expect(() => tinyHybrid({ dQk: 12, rope: null }, "WM")).not.toThrow();
  });

  it("needs a rotation from somewhere", () => {
    const { attention, ...rest } = tinyHybrid();
    expect(() => parseConfig(rest)).toThrow("hybrid.rope: missing, and there is no attention.rope instead");
    expect(parseConfig({ ...rest, hybrid: { ...rest.hybrid, rope: null } }).attention).toBeUndefined();
  });
});
