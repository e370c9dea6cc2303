import { tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { type Recorder, spread } from "../gpu/recorder.js";
import type { Tensor } from "../gpu/tensor.js";

/**
 * Rotary position embedding (Su et al., arXiv:2104.09864) in the layout of Hugging Face's Llama: element i of a head turns
 * with element i + headDim/2, at position t by the angle t · theta^(-2i/headDim).
 */
export interface RopeOptions {
  theta: number;
  headDim: number;
}

/** Tables made for a device so far: a longer one serves shorter sequences too. */
const tables = new WeakMap<Gpu, Map<string, Tensor>>();

/**
 * cos and sin of the angles of positions 0..length-1, [at least length, headDim/2, 2]. Computed on the host in float64:
 * cos and sin of large f32 angles differ between GPUs, and an angle of 30,000 has lost three digits already. Kept as long as the device.
 */
export function ropeTable(gpu: Gpu, { theta, headDim }: RopeOptions, length: number): Tensor {
  const known = tables.get(gpu) ?? new Map<string, Tensor>();
  tables.set(gpu, known);
  const key = `${theta}/${headDim}`;
  const table = known.get(key);
  if (table && table.shape[0] >= length) return table;
  const half = headDim / 2;
  const values = new Float32Array(length * headDim);
  for (let t = 0; t < length; t++) {
    for (let i = 0; i < half; i++) {
      const angle = t * theta ** (-i / half);
      values[(t * half + i) * 2] = Math.cos(angle);
      values[(t * half + i) * 2 + 1] = Math.sin(angle);
    }
  }
  const made = tensorFrom(gpu, [length, half, 2], "rope table", values);
  known.set(key, made);
  return made;
}

/**
 * Records the rotation, in place, of the first `heads` heads of each row of x [B*T, W]; `inverse` turns back, which takes
 * the gradient of the rotated heads to that of the heads.
 */
export function rotate(
  recorder: Recorder,
  x: Tensor,
  options: RopeOptions & { length: number; heads: number; inverse?: boolean },
): void {
  const { headDim, length, heads, inverse = false } = options;
  const [rows, width] = x.shape;
  recorder.dispatch({
    kernel: "rope/rotate",
    constants: { HEAD_DIM: headDim, ROTATED: heads, WIDTH: width, INVERSE: inverse },
    bindings: [x, ropeTable(recorder.gpu, options, length)],
    params: [rows, length],
    groups: spread(Math.ceil((rows * heads * headDim) / 4 / 256)),
    label: inverse ? "rope back" : "rope",
  });
}
