// How the heads of attention lie in a row and which reads which: shared by training, the prompt, decoding and the cache.
import { checkRope, type Rope } from "./rope-frequencies.js";

/**
 * What all attention kernels are told about heads and the window. A row of qkv is
 * [heads * headDim | kvHeads * headDim | valueHeads * valueDim] elements: queries, keys, values.
 */
export interface HeadOptions {
  /** Query heads, a multiple of kvHeads: query head h reads key head floor(h / (heads / kvHeads)). */
  heads: number;
  /** Key heads. */
  kvHeads: number;
  /** Elements of a query or key: a multiple of 4, at most 256. */
  headDim: number;
  /**
   * Value heads, a divisor of kvHeads, which it is by default: key head k goes with value head k mod valueHeads. With kvHeads / 2
   * query heads h and h + heads/2 read the same values, as the Differential Transformer's pairs do (arXiv:2410.05258).
   */
  valueHeads?: number;
  /** Elements of a value, and so of a head's output: a multiple of 4, at most 256; headDim by default. */
  valueDim?: number;
  /** What products of queries and keys are multiplied by before the softmax; 1/√headDim by default. */
  scale?: number;
  /** null: no position embedding. */
  rope: Rope | null;
  /** Query i sees key j <= i when i - size < j or j < sink; null: every j <= i. */
  window: { size: number; sink: number } | null;
}

/** Heads with everything filled in, and what follows from them. */
export interface HeadShape {
  heads: number;
  kvHeads: number;
  valueHeads: number;
  headDim: number;
  valueDim: number;
  /** Elements of a row of the output, and of the key and value caches. */
  outWidth: number;
  keyWidth: number;
  valueWidth: number;
  /** Constants that all kernels take; the scale as text, since a whole number would become a u32. */
  constants: { HEAD_DIM: number; VALUE_DIM: number; SCALE: string };
  /** Kernel parameters heads, kv_heads, value_heads, window and sink; without a window, one that no sequence fills. */
  params: number[];
}

/** The shape of heads whose rows of qkv have `width` elements. @throws Error when they don't fit together. */
export function headShape(options: HeadOptions, width: number): HeadShape {
  const { heads, kvHeads, headDim, valueHeads = kvHeads, valueDim = headDim, rope, window } = options;
  const scale = options.scale ?? 1 / Math.sqrt(headDim);
  for (const [name, dim] of Object.entries({ headDim, valueDim })) {
    if (dim % 4 !== 0 || dim < 4 || dim > 256) {
      throw new Error(`Attention takes heads of a multiple of 4 elements up to 256, not ${name} ${dim}.`);
    }
  }
  if (kvHeads < 1 || heads % kvHeads !== 0) {
    throw new Error(`Attention heads (${heads}) must be a multiple of key-value heads (${kvHeads}).`);
  }
  if (valueHeads < 1 || kvHeads % valueHeads !== 0) {
    throw new Error(`Attention's key heads (${kvHeads}) must be a multiple of its value heads (${valueHeads}).`);
  }
  if (!(scale > 0 && scale < Number.POSITIVE_INFINITY)) {
    throw new Error(`Attention's scale must be a positive number, not ${scale}.`);
  }
  const [keyWidth, valueWidth] = [kvHeads * headDim, valueHeads * valueDim];
  const expected = heads * headDim + keyWidth + valueWidth;
  if (width !== expected) {
    const values =
      valueHeads === kvHeads && valueDim === headDim ? "" : ` with ${valueHeads} value heads of ${valueDim}`;
    throw new Error(
      `Attention with ${heads} heads, ${kvHeads} key-value heads and headDim ${headDim}${values} takes rows of ${expected}, not ${width}.`,
    );
  }
  if (window && !(window.size >= 1 && window.sink >= 0)) {
    throw new Error(`An attention window must have size >= 1 and sink >= 0, not ${window.size} and ${window.sink}.`);
  }
  if (rope) checkRope(rope, headDim);
  return {
    ...{ heads, kvHeads, valueHeads, headDim, valueDim },
    ...{ outWidth: heads * valueDim, keyWidth, valueWidth },
    constants: { HEAD_DIM: headDim, VALUE_DIM: valueDim, SCALE: `f32(${scale})` },
    params: [heads, kvHeads, valueHeads, window ? window.size : 2 ** 32 - 1, window ? window.sink : 0],
  };
}
