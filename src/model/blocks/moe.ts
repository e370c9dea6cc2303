import { section } from "../../config/blocks/block.js";
import { rmsNorm } from "../../ops/norm.js";
import { mixtureOfExperts } from "../moe.js";
import { type Block, residualScale } from "./block.js";

/** x + experts(norm(x)). */
export const mixture: Block = {
  letter: "E",
  record({ tape, config, weight, observe, afterBackward }, x) {
    const normed = rmsNorm(tape, x, weight("post_attention_layernorm.weight"), config.normEps);
    const context = { tape, moe: section(config, "moe"), weight, scale: residualScale(config), observe, afterBackward };
    return mixtureOfExperts(context, normed, x);
  },
};
