import { section } from "../../config/blocks/block.js";
import { tensorFrom } from "../../gpu/arena.js";
import type { Tensor } from "../../gpu/tensor.js";
import { sliceColumns } from "../../ops/columns.js";
import { convSilu } from "../../ops/conv1d.js";
import { linear } from "../../ops/linear.js";
import { rmsNorm } from "../../ops/norm.js";
import type { ScanInputs } from "../../ops/scan-inputs.js";
import { selectiveScan, selectiveScanStep } from "../../ops/selective-scan.js";
import { convSiluStep } from "../../ops/ssd-decode.js";
import { type Block, type BlockContext, residualScale } from "./block.js";

/** dt, B and C of the convolved x, as x_proj gives them side by side; each normed where the config says so (Jamba). */
function selection({ tape, config, weight }: BlockContext, x: Tensor): Pick<ScanInputs, "b" | "c"> & { dt: Tensor } {
  const { dtRank, dState, innerNorms } = section(config, "mamba1");
  const all = linear(tape, x, [weight("mamba.x_proj.weight")], "mamba selection");
  const dt = sliceColumns(tape, all, { column: 0, width: dtRank, own: true });
  if (!innerNorms) return { dt, b: { source: all, column: dtRank }, c: { source: all, column: dtRank + dState } };
  const normed = (tensor: Tensor, name: string) =>
    rmsNorm(tape, tensor, weight(`mamba.${name}_layernorm.weight`), config.normEps);
  const state = (name: string, column: number) => {
    const source = normed(sliceColumns(tape, all, { column, width: dState, own: true }), name);
    return { source, column: 0 };
  };
  return { dt: normed(dt, "dt"), b: state("b", dtRank), c: state("c", dtRank + dState) };
}

/** x + mamba(norm(x)); `in_proj` gives [x | z]. */
export const mamba1: Block = {
  letter: "J",
  record(context, x) {
    const { tape, config, weight, batch, length, state, position, observe } = context;
    const { dInner, dState, conv } = section(config, "mamba1");
    const before = position && state;
    const ends = (name: "conv" | "ssm") => ({ initialState: before?.[name], finalState: state?.[name] });
    const normed = rmsNorm(tape, x, weight("input_layernorm.weight"), config.normEps);
    const xz = linear(tape, normed, [weight("mamba.in_proj.weight")], "mamba in");
    const convWeights = [weight("mamba.conv1d.weight"), weight("mamba.conv1d.bias")] as const;
    const shape = { batch, length, column: 0, channels: dInner, width: conv };
    const step = before && length === 1;
    const inner = step
      ? convSiluStep(tape, xz, before.conv, ...convWeights, shape)
      : convSilu(tape, xz, ...convWeights, { ...shape, ...ends("conv") });
    const { dt, b, c } = selection(context, inner);
    const inputs = {
      x: inner,
      dt: linear(tape, dt, [weight("mamba.dt_proj.weight")], "mamba dt"),
      b,
      c,
      z: { source: xz, column: dInner },
    };
    const weights = { aLog: weight("mamba.A_log"), d: weight("mamba.D"), dtBias: weight("mamba.dt_proj.bias") };
    const sizes = { channels: dInner, state: dState };
    const options = { batch, length, ...sizes, ...ends("ssm") };
    if (!step) observe?.("x", inner, { kind: "selective scan", inputs, weights, options });
    const y = step
      ? selectiveScanStep(tape, inputs, before.ssm, weights, sizes)
      : selectiveScan(tape, inputs, weights, options);
    const scale = residualScale(config);
    return linear(tape, y, [weight("mamba.out_proj.weight")], "mamba out", x, { scale });
  },
  createState(gpu, config, batch) {
    const { dInner, dState, conv } = section(config, "mamba1");
    return {
      conv: tensorFrom(gpu, [batch, conv - 1, dInner], "conv state"),
      ssm: tensorFrom(gpu, [batch, dInner, dState], "scan state"),
    };
  },
};
