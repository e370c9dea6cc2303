import { download, tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import type { Recorder } from "../gpu/recorder.js";
import type { Tensor } from "../gpu/tensor.js";

/**
 * The power of two that the loss is multiplied by in mixed precision, so that its gradients lie in the range of f16: [scale, finite steps
 * since it last changed, steps skipped, unused]. It lives on the GPU, for steps are submitted before the losses of those before are known.
 */
export type LossScale = Tensor;

/** What PyTorch's GradScaler begins with, and the finite steps after which it doubles. */
const first = 2 ** 16;
const interval = 2000;
const largest = 2 ** 24;

export const createLossScale = (gpu: Gpu): LossScale =>
  tensorFrom(gpu, [4], "loss scale", Float32Array.of(first, 0, 0, 0));

/** Records the change of scale after a step whose gradient norm is `norm` [1]. */
export function updateLossScale(recorder: Recorder, scale: LossScale, norm: Tensor): void {
  recorder.dispatch({
    kernel: "optimizer/loss-scale",
    constants: { INTERVAL: `${interval}.0`, LARGEST: `${largest}.0` },
    bindings: [norm, scale],
    groups: [1],
    label: "loss scale",
  });
}

/** WGSL of `unscaled(V)`, which takes the scale out of a gradient again; the scale is at `binding` where there is one. */
export const unscaling = (scale: LossScale | undefined, binding: number, type: "f32" | "vec4f"): string =>
  scale
    ? `@group(0) @binding(${binding}) var<storage, read> loss_scale: array<f32>;
fn unscaled(value: ${type}) -> ${type} { return value / loss_scale[0]; }
`
    : `fn unscaled(value: ${type}) -> ${type} { return value; }\n`;

/** What the loss is multiplied by now, and how many steps were skipped because their gradients did not fit. */
export async function readLossScale(gpu: Gpu, scale: LossScale): Promise<{ scale: number; skipped: number }> {
  const [now, , skipped] = await download(gpu, scale);
  return { scale: now, skipped };
}
