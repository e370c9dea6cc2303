import { section } from "../../config/blocks/block.js";
import { activationOf, isGated } from "../../config/blocks/feed-forward.js";
import type { Tensor } from "../../gpu/tensor.js";
import { activate, gated, gatedLinear } from "../../ops/activation.js";
import { linear } from "../../ops/linear.js";
import { rmsNorm } from "../../ops/norm.js";
import { scaleColumns } from "../../ops/scale.js";
import { type Block, residualScale } from "./block.js";

/** x + feed-forward(norm(x)). */
export const feedForward: Block = {
  letter: "F",
  record({ tape, config, weight }, x) {
    const { kind, dFfn, multipliers } = section(config, "ffn");
    const activation = activationOf(kind);
    const normed = rmsNorm(tape, x, weight("post_attention_layernorm.weight"), config.normEps);
    const names = isGated(kind) ? ["gate", "up"] : ["up"];
    const weights = names.map((name) => weight(`mlp.${name}_proj.weight`));
    const scaled = multipliers !== undefined && multipliers.gate !== 1;
    let active: Tensor;
    if (isGated(kind) && !scaled) active = gatedLinear(tape, normed, weights, "ffn in", activation);
    else {
      let inner = linear(tape, normed, weights, "ffn in");
      if (scaled) inner = scaleColumns(tape, inner, [{ column: 0, width: dFfn, factor: multipliers.gate }]);
      active = isGated(kind) ? gated(tape, inner, activation) : activate(tape, inner, activation);
    }
    const scale = residualScale(config) * (multipliers?.down ?? 1);
    return linear(tape, active, [weight("mlp.down_proj.weight")], "ffn out", x, { scale });
  },
};
