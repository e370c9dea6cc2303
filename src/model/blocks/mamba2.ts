import { section } from "../../config/blocks/block.js";
import { type SsmConfig, widthsOf } from "../../config/blocks/mamba2.js";
import { tensorFrom } from "../../gpu/arena.js";
import type { Gpu } from "../../gpu/gpu.js";
import type { Tensor } from "../../gpu/tensor.js";
import { convSilu } from "../../ops/conv1d.js";
import { gate } from "../../ops/gate.js";
import { linear } from "../../ops/linear.js";
import { gatedRmsNorm, rmsNorm } from "../../ops/norm.js";
import { ssd } from "../../ops/ssd.js";
import { convSiluStep, ssdStep } from "../../ops/ssd-decode.js";
import { type Block, type BlockContext, type BlockState, residualScale } from "./block.js";

/**
 * Convolution and scan of projected tokens [z | x | B | C | dt] → [B·T, dSsm], with the weights `conv1d`, `dt_bias`, `A_log`
 * and `D` below `name`.
 */
export function scan(context: BlockContext, zxbcdt: Tensor, ssm: SsmConfig, name: string): Tensor {
  const { tape, weight, batch, length, state, position, observe } = context;
  const { dSsm, headDim, dState, groups, conv, chunk } = ssm;
  const { convDim, nHeads } = widthsOf(ssm);
  const convWeights = [weight(`${name}.conv1d.weight`), weight(`${name}.conv1d.bias`)] as const;
  const before = position && state;
  const ends = (name: "conv" | "ssm") => ({ initialState: before?.[name], finalState: state?.[name] });
  const conv1d = { batch, length, column: dSsm, channels: convDim, width: conv, ...ends("conv") };
  const scanWeights = [weight(`${name}.dt_bias`), weight(`${name}.A_log`), weight(`${name}.D`)] as const;
  const sizes = { heads: nHeads, headDim, state: dState, groups, dtColumn: dSsm + convDim, timeStep: ssm.dtLimit };
  const options = { batch, length, ...sizes, chunk, ...ends("ssm") };
  if (before && length === 1) {
    const xBC = convSiluStep(tape, zxbcdt, before.conv, ...convWeights, conv1d);
    return ssdStep(tape, xBC, zxbcdt, before.ssm, ...scanWeights, options);
  }
  const xBC = convSilu(tape, zxbcdt, ...convWeights, conv1d);
  observe?.("xBC", xBC, { kind: "ssd", dtSource: zxbcdt, weights: scanWeights, options });
  return ssd(tape, xBC, zxbcdt, ...scanWeights, options);
}

/** The scan's output at the gate z, with the norm that the config asks for. */
export function gatedOutput(context: BlockContext, y: Tensor, zxbcdt: Tensor, ssm: SsmConfig, name: string): Tensor {
  const { tape, config, weight } = context;
  if (ssm.norm === null) return gate(tape, y, zxbcdt, { zColumn: 0 });
  const { groups, gateFirst } = ssm.norm ?? { groups: 1, gateFirst: true };
  const options = { eps: config.normEps, zColumn: 0, groups, gateFirst };
  return gatedRmsNorm(tape, y, zxbcdt, weight(`${name}.norm.weight`), options);
}

/** conv [B, width - 1, convDim], ssm [B, H, P, N]. */
export function scanState(gpu: Gpu, ssm: SsmConfig, batch: number): BlockState {
  const { convDim, nHeads } = widthsOf(ssm);
  return {
    conv: tensorFrom(gpu, [batch, ssm.conv - 1, convDim], "conv state"),
    ssm: tensorFrom(gpu, [batch, nHeads, ssm.headDim, ssm.dState], "ssm state"),
  };
}

/** residual + mamba2(norm(input)); `in_proj` gives [z | x | B | C | dt]. */
export function addMixer(context: BlockContext, input: Tensor, residual: Tensor): Tensor {
  const { tape, config, weight } = context;
  const ssm = section(config, "ssm");
  const normed = rmsNorm(tape, input, weight("input_layernorm.weight"), config.normEps);
  const zxbcdt = linear(tape, normed, [weight("mamba.in_proj.weight")], "mamba in");
  const y = scan(context, zxbcdt, ssm, "mamba");
  const gated = gatedOutput(context, y, zxbcdt, ssm, "mamba");
  const scale = residualScale(config);
  return linear(tape, gated, [weight("mamba.out_proj.weight")], "mamba out", residual, { scale });
}

/** x + mamba2(norm(x)). */
export const mamba2: Block = {
  letter: "M",
  record: (context, x) => addMixer(context, x, x),
  createState: (gpu, config, batch) => scanState(gpu, section(config, "ssm"), batch),
};
