import { attentionWidths } from "../../config/blocks/attention.js";
import { type Hybrid, hybridOf } from "../../config/blocks/hybrid.js";
import type { Tensor } from "../../gpu/tensor.js";
import { activate } from "../../ops/activation.js";
import { concatColumns, sliceColumns } from "../../ops/columns.js";
import { type BranchScale, combine, scaleChannels } from "../../ops/combine.js";
import { expandHeads } from "../../ops/heads.js";
import { linear } from "../../ops/linear.js";
import { groupNorm, rmsNorm } from "../../ops/norm.js";
import { attendTo, cacheState, projectHeads } from "./attention.js";
import { type Block, type BlockContext, residualScale } from "./block.js";
import { lambdaOf } from "./differential.js";
import { gatedOutput, scan, scanState } from "./mamba2.js";

/** What Mamba-2 and attention make of the normed input, each normed where asked for: [B·T, dSsm] and [B·T, heads · valueDim]. */
function branches(context: BlockContext, normed: Tensor, { heads, window, ssm, norm, value }: Hybrid) {
  const { tape, config, weight } = context;
  const qkv = projectHeads(context, normed);
  let zxbcdt = linear(tape, normed, [weight("mamba.in_proj.weight")], "mamba in");
  if (value === "shared") {
    const { q, k, v } = attentionWidths(heads);
    const { kvHeads, headDim, valueDim = headDim } = heads;
    // Before attention, which then is the first to write the gradient of qkv.
    const values = sliceColumns(tape, qkv, { column: q + k, width: v });
    const x = expandHeads(tape, values, { from: kvHeads, to: heads.heads, dim: valueDim });
    zxbcdt = insertColumns(context, zxbcdt, x, ssm.dSsm);
  }
  const attended = attendTo(context, qkv, heads, window);
  const scanned = gatedOutput(context, scan(context, zxbcdt, ssm, "mamba"), zxbcdt, ssm, "mamba");
  const options = { groups: heads.heads, eps: config.normEps };
  const normedBranch = (branch: Tensor) => (norm === "group" ? groupNorm(tape, branch, undefined, options) : branch);
  return { scanned: normedBranch(scanned), attended: normedBranch(attended) };
}

/** [z | B | C | dt] with x between z and B. */
function insertColumns({ tape }: BlockContext, zbcdt: Tensor, x: Tensor, width: number): Tensor {
  const rest = zbcdt.shape[1] - width;
  const z = sliceColumns(tape, zbcdt, { column: 0, width, own: true });
  const bcdt = sliceColumns(tape, zbcdt, { column: width, width: rest, own: true });
  return concatColumns(tape, [z, x, bcdt]);
}

/** What the branches are multiplied by when they are fused. */
function scaleOf(context: BlockContext, normed: Tensor, { scale }: Hybrid): BranchScale {
  const { tape, weight, observe } = context;
  switch (scale) {
    case "none":
      return { kind: "none" };
    case "vector":
      return { kind: "vector", a: weight("mamba.scale"), b: weight("self_attn.scale") };
    case "scalar":
      return { kind: "scalar", lambda: lambdaOf(context, "self_attn") };
    case "gate":
      return { kind: "gate", logits: linear(tape, normed, [weight("gate_proj.weight")], "gate") };
    case "alpha": {
      const logits = linear(tape, normed, [weight("alpha_proj.weight")], "alpha");
      // Shown to whoever looks inside: only outside training, whose backward pass it must not enter.
      if (observe && !tape.training) observe("alpha", activate(tape, logits, "sigmoid"));
      return { kind: "alpha", logits };
    }
  }
}

/** A branch that is fused by what comes after it, times its own part of the scale. */
function scaled(context: BlockContext, branch: Tensor, factors: BranchScale, second: boolean): Tensor {
  if (factors.kind === "vector") return scaleChannels(context.tape, branch, second ? factors.b : factors.a);
  if (factors.kind === "scalar" && second) return scaleChannels(context.tape, branch, factors.lambda);
  return branch;
}

/** x + hybrid(norm(x)): Mamba-2 first, attention second. */
function record(context: BlockContext, x: Tensor, windowed: boolean): Tensor {
  const { tape, config, weight } = context;
  const hybrid = hybridOf(config, windowed);
  const { fusion, output } = hybrid;
  const scale = residualScale(config);
  const normed = rmsNorm(tape, x, weight("input_layernorm.weight"), config.normEps);
  const { scanned, attended } = branches(context, normed, hybrid);
  const factors = scaleOf(context, normed, hybrid);
  if (output === "separate") {
    const first = scaled(context, scanned, factors, false);
    const second = scaled(context, attended, factors, true);
    const stream = linear(tape, first, [weight("mamba.out_proj.weight")], "mamba out", x, { scale, unread: true });
    return linear(tape, second, [weight("self_attn.o_proj.weight")], "attention out", stream, {
      scale: fusion === "subtract" ? -scale : scale,
    });
  }
  const apart = fusion === "concat" && factors.kind !== "gate" && factors.kind !== "alpha";
  const fused = apart
    ? concatColumns(tape, [scaled(context, scanned, factors, false), scaled(context, attended, factors, true)])
    : combine(tape, scanned, attended, { fusion, scale: factors });
  return linear(tape, fused, [weight("out_proj.weight")], "hybrid out", x, { scale });
}

function block(letter: string, windowed: boolean): Block {
  return {
    letter,
    record: (context, x) => record(context, x, windowed),
    createState(gpu, config, batch, capacity) {
      const { heads, ssm } = hybridOf(config, windowed);
      return { ...cacheState(gpu, heads, batch, capacity), ...scanState(gpu, ssm, batch) };
    },
  };
}

export const intraHybrid = block("H", false);
export const windowedHybrid = block("W", true);
