import { differentialFusion, differentialHeads } from "../../config/blocks/differential.js";
import type { Tensor } from "../../gpu/tensor.js";
import { differential as difference } from "../../ops/differential.js";
import { differentialLambda, lambdaInit } from "../../ops/lambda.js";
import { linear } from "../../ops/linear.js";
import { groupNorm, rmsNorm } from "../../ops/norm.js";
import { attendTo, cacheState, projectHeads } from "./attention.js";
import { type Block, type BlockContext, residualScale } from "./block.js";

/** λ of a layer [1], from the vectors below `name` (arXiv:2410.05258, equation 2). */
export function lambdaOf({ tape, weight, layer }: BlockContext, name: string): Tensor {
  const [q1, k1, q2, k2] = ["q1", "k1", "q2", "k2"].map((part) => weight(`${name}.lambda_${part}`));
  return differentialLambda(tape, { q1, k1, q2, k2 }, lambdaInit(layer));
}

/** x + differential attention(norm(x)). */
export const differential: Block = {
  letter: "D",
  record(context, x) {
    const { tape, config, layer, weight } = context;
    const heads = differentialHeads(config);
    const normed = rmsNorm(tape, x, weight("input_layernorm.weight"), config.normEps);
    const both = attendTo(context, projectHeads(context, normed), heads);
    const mixed = difference(tape, both, lambdaOf(context, "self_attn"), { fusion: differentialFusion(config) });
    const options = { groups: heads.heads / 2, eps: config.normEps, factor: 1 - lambdaInit(layer) };
    return linear(
      tape,
      groupNorm(tape, mixed, undefined, options),
      [weight("self_attn.o_proj.weight")],
      "attention out",
      x,
      { scale: residualScale(config) },
    );
  },
  createState: (gpu, config, batch, capacity) => cacheState(gpu, differentialHeads(config), batch, capacity),
};
