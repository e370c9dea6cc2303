import { section } from "../../config/blocks/block.js";
import { multipliersOf, projectedParts } from "../../config/blocks/parallel.js";
import type { Tensor } from "../../gpu/tensor.js";
import { linear } from "../../ops/linear.js";
import { rmsNorm } from "../../ops/norm.js";
import { scaleColumns } from "../../ops/scale.js";
import { attendTo, cacheState, projectHeads } from "./attention.js";
import { type Block, type BlockContext, residualScale } from "./block.js";
import { gatedOutput, scan, scanState } from "./mamba2.js";

/** [z | x | B | C | dt], each part times its own factor. */
function projected({ tape, config, weight }: BlockContext, normed: Tensor): Tensor {
  const { ssmIn, ssm } = multipliersOf(config);
  const zxbcdt = linear(tape, normed, [weight("mamba.in_proj.weight")], "mamba in", undefined, { scale: ssmIn });
  if (ssm.every((factor) => factor === 1)) return zxbcdt;
  return scaleColumns(tape, zxbcdt, projectedParts(config));
}

/** x + attention(norm(x)) + mamba2(norm(x)); one norm serves both. */
export const parallel: Block = {
  letter: "P",
  record(context, x) {
    const { tape, config, weight } = context;
    const { attentionIn, attentionOut, key, ssmOut } = multipliersOf(config);
    const ssm = section(config, "ssm");
    const residual = residualScale(config);
    const normed = rmsNorm(tape, x, weight("input_layernorm.weight"), config.normEps);

    const zxbcdt = projected(context, normed);
    const gated = gatedOutput(context, scan(context, zxbcdt, ssm, "mamba"), zxbcdt, ssm, "mamba");
    const out = [weight("mamba.out_proj.weight")];
    const withMamba = linear(tape, gated, out, "mamba out", x, { scale: residual * ssmOut, unread: true });

    const qkv = projectHeads(context, normed, attentionIn);
    const heads = section(config, "attention");
    // Rotation is linear: the factor of the keys is one of the scores.
    const scale = key === 1 ? heads.scale : key * (heads.scale ?? 1 / Math.sqrt(heads.headDim));
    const mixed = attendTo(context, qkv, { ...heads, scale });
    const options = { scale: residual * attentionOut };
    return linear(tape, mixed, [weight("self_attn.o_proj.weight")], "attention out", withMamba, options);
  },
  createState: (gpu, config, batch, capacity) => ({
    ...cacheState(gpu, section(config, "attention"), batch, capacity),
    ...scanState(gpu, section(config, "ssm"), batch),
  }),
};
