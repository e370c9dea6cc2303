import { tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { type Recorder, spread } from "../gpu/recorder.js";
import { bytesIn, type Tensor } from "../gpu/tensor.js";
import { type Rope, ropeFrequencies } from "./rope-frequencies.js";

/**
 * Rotary position embedding (Su et al., arXiv:2104.09864) in the layout of Hugging Face's Llama: of the first `dim` elements of
 * a head (all by default), element i turns with element i + dim/2, at position t by the angle t · ropeFrequencies[i].
 */
export interface RopeOptions extends Rope {
  headDim: number;
}

/** Tables made for a device so far: a longer one serves shorter sequences too. */
const tables = new WeakMap<Gpu, Map<string, Tensor>>();

/**
 * cos and sin of the angles of positions 0..length-1, [at least length, dim/2, 2]. Computed on the host in float64:
 * cos and sin of large f32 angles differ between GPUs, and an angle of 30,000 has lost three digits already. Kept as long as the device.
 */
export function ropeTable(gpu: Gpu, options: RopeOptions, length: number): Tensor {
  const { theta, headDim, dim = headDim, scaling } = options;
  const known = tables.get(gpu) ?? new Map<string, Tensor>();
  tables.set(gpu, known);
  const stretch = scaling && [scaling.factor, scaling.lowFrequency, scaling.highFrequency, scaling.originalContext];
  const key = [theta, dim, ...(stretch ?? [])].join("/");
  const table = known.get(key);
  if (table && table.shape[0] >= length) return table;
  const frequencies = ropeFrequencies(options, dim);
  const half = dim / 2;
  const values = new Float32Array(length * dim);
  for (let t = 0; t < length; t++) {
    for (let i = 0; i < half; i++) {
      const angle = t * frequencies[i];
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
  const { headDim, dim = headDim, length, heads, inverse = false } = options;
  const [rows, width] = x.shape;
  recorder.dispatch({
    kernel: "rope/rotate",
    constants: { HEAD_DIM: headDim, TURNED: dim, ROTATED: heads, WIDTH: width, INVERSE: inverse },
    bindings: [x, ropeTable(recorder.gpu, options, length)],
    params: [rows, length],
    groups: spread(Math.ceil((rows * heads * dim) / 4 / 256)),
    label: inverse ? "rope back" : "rope",
    // In place: the heads that turn are read and written.
    bytes: 2 * bytesIn([{ shape: [rows, heads * dim], type: x.type }]),
  });
}
