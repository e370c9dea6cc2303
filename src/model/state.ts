import { ssmWidths } from "../config/parameters.js";
import type { ModelConfig } from "../config/types.js";
import { tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import type { Tensor } from "../gpu/tensor.js";
import { createKvCache, type KvCache } from "../ops/kv-cache.js";

/** What one layer remembers of the tokens so far: keys and values, or the convolution's tail and the SSM state. */
export type LayerState =
  | { kind: "attention"; cache: KvCache }
  // conv [B, width - 1, convDim], ssm [B, H, P, N]
  | { kind: "mamba"; conv: Tensor; ssm: Tensor };

/** Empty states of all layers for `batch` sequences of up to `capacity` tokens. */
export function createState(gpu: Gpu, config: ModelConfig, batch: number, capacity: number): LayerState[] {
  return [...config.pattern].map((kind) => {
    if (kind === "M") {
      const { headDim, dState, conv } = config.ssm!;
      const { convDim, nHeads } = ssmWidths(config);
      return {
        kind: "mamba",
        conv: tensorFrom(gpu, [batch, conv - 1, convDim], "conv state"),
        ssm: tensorFrom(gpu, [batch, nHeads, headDim, dState], "ssm state"),
      };
    }
    const { kvHeads, headDim } = config.attention!;
    return { kind: "attention", cache: createKvCache(gpu, { batch, capacity, kvHeads, headDim }) };
  });
}

export function destroyState(states: LayerState[]): void {
  for (const state of states) {
    const tensors = state.kind === "mamba" ? [state.conv, state.ssm] : [state.cache.k, state.cache.v];
    for (const { buffer } of tensors) buffer.destroy();
  }
}
