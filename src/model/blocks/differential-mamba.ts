import { differentialFusion } from "../../config/blocks/differential.js";
import { halfSsm, halves } from "../../config/blocks/differential-mamba.js";
import type { Tensor } from "../../gpu/tensor.js";
import { combine } from "../../ops/combine.js";
import { lambdaInit, mambaLambda } from "../../ops/lambda.js";
import { linear } from "../../ops/linear.js";
import { groupNorm, rmsNorm } from "../../ops/norm.js";
import { type Block, type BlockContext, type BlockState, residualScale } from "./block.js";
import { gatedOutput, scan, scanState } from "./mamba2.js";

/** One of the two mixers → [B·T, dModel]. */
function mixer(context: BlockContext, normed: Tensor, name: string): Tensor {
  const { tape, config, weight, state } = context;
  const ssm = halfSsm(config);
  const own = state && { conv: state[`${name}.conv`], ssm: state[`${name}.ssm`] };
  const zxbcdt = linear(tape, normed, [weight(`${name}.in_proj.weight`)], "mamba in");
  const y = scan({ ...context, state: own }, zxbcdt, ssm, name);
  const gated = gatedOutput(context, y, zxbcdt, ssm, name);
  return linear(tape, gated, [weight(`${name}.out_proj.weight`)], "mamba out");
}

/** x + differential Mamba-2(norm(x)). */
export const differentialMamba: Block = {
  letter: "N",
  record(context, x) {
    const { tape, config, layer, weight } = context;
    const initial = lambdaInit(layer);
    const normed = rmsNorm(tape, x, weight("input_layernorm.weight"), config.normEps);
    const [first, second] = halves.map((name) => mixer(context, normed, name));
    const lambda = mambaLambda(tape, weight("lambda"), initial);
    const mixed = combine(tape, first, second, {
      fusion: differentialFusion(config),
      scale: { kind: "scalar", lambda },
    });
    const factor = residualScale(config) * (1 - initial);
    const output = groupNorm(tape, mixed, weight("subln.weight"), { groups: 1, eps: config.normEps, factor });
    return combine(tape, x, output, { fusion: "add" });
  },
  createState: (gpu, config, batch) =>
    Object.fromEntries(
      halves.flatMap((name) =>
        Object.entries(scanState(gpu, halfSsm(config), batch)).map(([part, tensor]) => [`${name}.${part}`, tensor]),
      ),
    ) satisfies BlockState,
};
