import { describe, expect, it } from "vitest";
import { countParameters, parameterTable, parseConfig } from "../../src/config/index.js";
import { activeWeights, cost, linearWeights } from "../../src/cost/index.js";

const common = { vocabSize: 100, dModel: 32, tieEmbeddings: false, normEps: 1e-5 };
const attention = { heads: 4, kvHeads: 2, headDim: 8, rope: null };
const dtRange = [0.001, 0.1];
const ssm = { dSsm: 48, headDim: 8, dState: 16, groups: 2, conv: 4, chunk: 16, aRange: [1, 16], dtRange };
const mamba1 = { dInner: 64, dState: 8, dtRank: 4, conv: 4, dtRange, innerNorms: true };

const jamba = parseConfig({
  ...common,
  pattern: "JJTJ",
  ffnPattern: "FEFE",
  attention,
  mamba1,
  ffn: { kind: "swiglu", dFfn: 64 },
  moe: {
    experts: 4,
    topK: 2,
    dExpert: 64,
    dShared: 0,
    kind: "swiglu",
    router: "softmax",
    normalise: false,
    balance: null,
  },
});
const falconJson = { ...common, pattern: "PP", attention, ssm, ffn: { kind: "swiglu", dFfn: 64 } };
const falcon = parseConfig(falconJson);
const zamba = parseConfig({
  ...common,
  tieEmbeddings: true,
  pattern: "MZMZMZ",
  ssm: { ...ssm, dSsm: 64, headDim: 16, groups: 1 },
  zamba: {
    blocks: 2,
    heads: 4,
    kvHeads: 4,
    headDim: 16,
    rope: { theta: 10_000 },
    dFfn: 64,
    adapterRank: 8,
    attentionAdapter: true,
  },
});

const namesOf = (config: ReturnType<typeof parseConfig>) => parameterTable(config).map(({ name }) => name);

describe("J, P and Z", () => {
  it("give as many weights as transformers 5.17 counts for models of the same dimensions", () => {
    expect(countParameters(jamba).total, "JambaForCausalLM").toBe(97_436);
    expect(countParameters(falcon).total, "FalconH1ForCausalLM").toBe(39_940);
    expect(countParameters(zamba).total, "Zamba2ForCausalLM").toBe(107_816);
  });

  it("start Mamba-1 with A = -1 … -N in every channel, and without decay of A, D and the bias of dt", () => {
    const weights = parameterTable(jamba).filter(({ name }) => name.startsWith("model.layers.0.mamba."));
    const aLog = weights.find(({ name }) => name.endsWith("A_log"));
    const random = { uniform: () => Number.NaN, normal: () => Number.NaN };
    const row = [...Array(10).keys()].map((index) => Math.round(Math.exp(aLog?.initial(random, index) ?? 0)));
    expect(row).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 1, 2]);
    expect(weights.flatMap(({ name, decay }) => (decay ? [name.split("mamba.")[1]] : []))).toEqual(
      ["in_proj", "conv1d", "x_proj", "dt_proj", "out_proj"].map((name) => `${name}.weight`),
    );
  });

  it("share the transformer blocks between the Z layers in turn, and nothing else", () => {
    const names = namesOf(zamba);
    expect(names.filter((name) => name.endsWith("q_proj.weight") && name.includes("shared"))).toEqual([
      "model.shared.0.self_attn.q_proj.weight",
      "model.shared.1.self_attn.q_proj.weight",
    ]);
    expect(names.filter((name) => name.endsWith(".linear.weight"))).toEqual(
      [1, 3, 5].map((layer) => `model.layers.${layer}.linear.weight`),
    );
    expect(names.filter((name) => name.endsWith("gate_up_proj.up.weight"))).toHaveLength(3);
  });

  it("count shared weights once, but their FLOPs at each use", () => {
    const q = 64 * 64;
    const shared = 4 * q - 32 * 64 + 3 * 32 * 64;
    expect(activeWeights(zamba) - linearWeights(zamba)).toBe(shared);
    const { flopsPerToken } = cost(zamba, { context: 1, tokens: 1 });
    const { flopsPerToken: unshared } = cost(
      { ...zamba, zamba: { ...(zamba.zamba as NonNullable<typeof zamba.zamba>), blocks: 3 } },
      { context: 1, tokens: 1 },
    );
    expect(flopsPerToken).toBe(unshared);
  });

  it("cost P as T and M together", () => {
    const at = (pattern: string) => cost(parseConfig({ ...falconJson, pattern }), { context: 100, tokens: 1 });
    const [p, t, m] = [at("P"), at("T"), at("M")];
    const ffn = 6 * 3 * 32 * 64;
    expect(p.flopsPerToken).toBeCloseTo(t.flopsPerToken + m.flopsPerToken - ffn, 6);
    expect(p.cacheBytes).toBe(t.cacheBytes + m.cacheBytes);
  });

  it("say in one sentence what is wrong with their sections", () => {
    const factors = { attentionIn: 1, attentionOut: 1, key: 1, ssmIn: 1, ssmOut: 1, ssm: [1, 1, 1, 1] };
    expect(() => parseConfig({ ...falconJson, parallel: { multipliers: factors } })).toThrow(
      "parallel.multipliers.ssm: [1,1,1,1]; it must be a list of five numbers, those of z, x, B, C and dt.",
    );
    expect(() => parseConfig({ ...falconJson, pattern: "PJ" })).toThrow(
      "mamba1: missing, but layer 2 of the pattern is J, which needs it.",
    );
    expect(() => parseConfig({ ...zamba, zamba: { ...zamba.zamba, headDim: 15 } })).toThrow("zamba.headDim: 15 is odd");
  });
});
