import { describe, expect, it } from "vitest";
import { parseConfig } from "../../../src/config/schema.js";
import type { ModelConfig, ParallelMultipliers } from "../../../src/config/types.js";
import { useGpu } from "../../ops/harness.js";
import { expectPiecesToAgree } from "./pieces.js";

const holder = useGpu();

const multipliers: ParallelMultipliers = {
  attentionIn: 1.3,
  attentionOut: 0.9,
  key: 1.7,
  ssmIn: 1.25,
  ssmOut: 0.6,
  ssm: [0.65, 1.15, 0.85, 1.45, 0.75],
};

const falcon = (change: Partial<ModelConfig> = {}) =>
  parseConfig({
    vocabSize: 50,
    dModel: 24,
    pattern: "PP",
    ffn: { kind: "swiglu", dFfn: 30, multipliers: { gate: 0.7, down: 1.2 } },
    attention: { heads: 4, kvHeads: 2, headDim: 8, rope: { theta: 1e4 } },
    ssm: {
      ...{ dSsm: 36, headDim: 12, dState: 8, groups: 3, conv: 4, chunk: 16 },
      aRange: [1, 16],
      dtRange: [0.001, 0.1],
      norm: null,
    },
    parallel: { multipliers },
    tieEmbeddings: true,
    normEps: 1e-5,
    ...change,
  });

describe("attention and Mamba-2 in parallel", () => {
  // (With factors this is shown by the parity with transformers' Falcon-H1, test/families.)
  it("read a text in pieces as at once without factors, with a norm at the gate, beside other layers", () =>
    expectPiecesToAgree(
      holder.gpu,
      falcon({
        pattern: "PMT",
        parallel: undefined,
        ssm: { ...falcon().ssm!, norm: { groups: 3, gateFirst: false } },
      }),
    ));

  it("take no factor of the keys that turns scores round", () => {
    expect(() => falcon({ parallel: { multipliers: { ...multipliers, key: -1 } } })).toThrow(
      "parallel.multipliers.key: -1 must be greater than 0.",
    );
  });
});
