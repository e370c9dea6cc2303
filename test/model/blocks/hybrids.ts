import { parseConfig } from "../../../src/config/index.js";
import type { HybridConfig, ModelConfig } from "../../../src/config/types.js";

/** Four heads; values of 6 · 4, Mamba-2 as wide, so that every form is possible. */
export function tinyHybrid(form: Partial<HybridConfig> = {}, pattern = "H"): ModelConfig {
  return parseConfig({
    vocabSize: 256,
    dModel: 24,
    pattern,
    ffn: { kind: "swiglu", dFfn: 40 },
    attention: { heads: 3, kvHeads: 1, headDim: 8, rope: { theta: 10_000 } },
    ...(pattern.includes("W") && { window: { size: 9, sink: 2, rope: { theta: 500 } } }),
    ssm: { dSsm: 48, headDim: 12, dState: 8, groups: 1, conv: 4, chunk: 16, aRange: [0.01, 2], dtRange: [0.001, 0.1] },
    hybrid: { heads: 4, kvHeads: 2, dQk: 16, dSsm: 32, valueDim: 8, ...form },
    tieEmbeddings: true,
    normEps: 1e-5,
  });
}

export const joint = { output: "joint" } as const;
/** Every value of every axis at least once, and what can be combined with most others. */
export const forms: Record<string, Partial<HybridConfig>> = {
  "the paper's best": {},
  "branches of two widths": { dSsm: 48 },
  "no norm, added": { norm: "none", fusion: "add" },
  "vectors, separate outputs": { scale: "vector" },
  "λ, separate outputs": { scale: "scalar" },
  "added before one projection": { ...joint, fusion: "add" },
  "vectors, joint": { ...joint, scale: "vector", norm: "none" },
  "λ and a shared value": { ...joint, scale: "scalar", value: "shared" },
  "a gate": { ...joint, scale: "gate", fusion: "add" },
  α: { ...joint, scale: "alpha", fusion: "add" },
  "side by side": { fusion: "concat", dSsm: 48 },
  "side by side with vectors": { fusion: "concat", scale: "vector", value: "shared" },
  "side by side under α": { fusion: "concat", scale: "alpha" },
  "a rotation of its own": { rope: null },
};
