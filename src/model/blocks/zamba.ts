import { section } from "../../config/blocks/block.js";
import { sharedAttention, sharedPrefix } from "../../config/blocks/zamba.js";
import type { Tensor } from "../../gpu/tensor.js";
import { gated } from "../../ops/activation.js";
import { concatColumns } from "../../ops/columns.js";
import { linear } from "../../ops/linear.js";
import { rmsNorm } from "../../ops/norm.js";
import { attendTo, cacheState } from "./attention.js";
import type { Block, BlockContext } from "./block.js";
import { addMixer, scanState } from "./mamba2.js";

/** A shared projection of x plus the layer's own adapter of low rank: W x + up(down(x)). */
function adapted({ tape, weight }: BlockContext, x: Tensor, shared: Tensor, name: string): Tensor {
  const narrow = linear(tape, x, [weight(`adapters.${name}.down.weight`)], `${name} adapter down`);
  const plain = linear(tape, x, [shared], name, undefined, { unread: true });
  return linear(tape, narrow, [weight(`adapters.${name}.up.weight`)], `${name} adapter up`, plain);
}

/** What the shared transformer block makes of [x, embedding]. */
function transformed(context: BlockContext, x: Tensor): Tensor {
  const { tape, config, embedded, layer, parameter } = context;
  const zamba = section(config, "zamba");
  const prefix = sharedPrefix(config, layer);
  const shared = (name: string) => parameter(`${prefix}.${name}.weight`);
  const eps = config.normEps;

  const both = rmsNorm(tape, concatColumns(tape, [x, embedded!]), shared("input_layernorm"), eps);
  const names = ["q_proj", "k_proj", "v_proj"];
  const qkv = zamba.attentionAdapter
    ? concatColumns(
        tape,
        names.map((name) => adapted(context, both, shared(`self_attn.${name}`), name)),
      )
    : linear(
        tape,
        both,
        names.map((name) => shared(`self_attn.${name}`)),
        "qkv",
      );
  const mixed = attendTo(context, qkv, sharedAttention(zamba));
  const out = linear(tape, mixed, [shared("self_attn.o_proj")], "attention out");

  const normed = rmsNorm(tape, out, shared("pre_ff_layernorm"), eps);
  const gateUp = adapted(context, normed, shared("mlp.gate_up_proj"), "gate_up_proj");
  return linear(tape, gated(tape, gateUp, "gelu"), [shared("mlp.down_proj")], "ffn out");
}

/** x + mamba2(norm(x + linear(transformer block of [x, embedding]))). */
export const zamba: Block = {
  letter: "Z",
  readsEmbedding: true,
  record(context, x) {
    const { tape, weight } = context;
    const seen = transformed(context, x);
    // A copy: x has another reader, the block's own residual path, and a residual's gradient is passed on in place.
    const input = linear(tape, seen, [weight("linear.weight")], "linear", concatColumns(tape, [x]));
    return addMixer(context, input, x);
  },
  createState: (gpu, config, batch, capacity) => ({
    ...cacheState(gpu, sharedAttention(section(config, "zamba")), batch, capacity),
    ...scanState(gpu, section(config, "ssm"), batch),
  }),
};
