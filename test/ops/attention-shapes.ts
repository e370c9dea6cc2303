/** The shapes that attention is tested at, by name. */
import type { AttentionOptions } from "../../src/ops/attention.js";

const scaling = { factor: 8, lowFrequency: 1, highFrequency: 4, originalContext: 64 };

/**
 * Options from an id such as B2-T37-H4-K2-D32, then -V1x64 for one value head of 64, -S0.3 for a scale of 0.3, -W16+4 for a
 * window of 16 with a sink of 4, -R8 for 8 elements that turn, -Llama3 for its slower turns, and -NoPE.
 */
export function parse(id: string): AttentionOptions {
  const number = (letter: string) => Number(id.match(`${letter}(\\d+)`)?.[1]);
  const window = id.match(/W(\d+)\+(\d+)/);
  const values = id.match(/V(\d+)x(\d+)/);
  const scale = id.match(/S([\d.]+)/);
  const turning = id.match(/R(\d+)/);
  return {
    batch: number("B"),
    length: number("T"),
    heads: number("H"),
    kvHeads: number("K"),
    headDim: number("D"),
    ...(values && { valueHeads: Number(values[1]), valueDim: Number(values[2]) }),
    ...(scale && { scale: Number(scale[1]) }),
    rope: id.endsWith("NoPE")
      ? null
      : { theta: 10000, ...(turning && { dim: Number(turning[1]) }), ...(id.includes("Llama3") && { scaling }) },
    window: window && { size: Number(window[1]), sink: Number(window[2]) },
  };
}

/** Where queries, keys and values end in a row. */
export function ends({ heads, kvHeads, headDim, valueHeads = kvHeads, valueDim = headDim }: AttentionOptions) {
  const queries = heads * headDim;
  return [queries, queries + kvHeads * headDim, queries + kvHeads * headDim + valueHeads * valueDim];
}
