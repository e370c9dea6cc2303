import { linear } from "../../ops/linear.js";
import { rmsNorm } from "../../ops/norm.js";
import { swiglu } from "../../ops/swiglu.js";
import type { Block } from "./block.js";

/** x + feed-forward(norm(x)). */
export const feedForward: Block = {
  letter: "F",
  record({ tape, config, weight }, x) {
    const normed = rmsNorm(tape, x, weight("post_attention_layernorm.weight"), config.normEps);
    const gateUp = linear(tape, normed, [weight("mlp.gate_proj.weight"), weight("mlp.up_proj.weight")], "ffn in");
    return linear(tape, swiglu(tape, gateUp), [weight("mlp.down_proj.weight")], "ffn out", x);
  },
};
