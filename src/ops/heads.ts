import { spread } from "../gpu/recorder.js";
import { columnsOf, rowsOf, type Tensor } from "../gpu/tensor.js";
import type { Tape } from "./tape.js";
import { isWide, lengthOf, vector } from "./vector.js";

export interface ExpandHeadsOptions {
  /** Heads of the input. */
  from: number;
  /** Heads of the result, a multiple of `from`. */
  to: number;
  /** Elements of a head. */
  dim: number;
}

/**
 * v [..., from · dim] with each head repeated to / from times, its copies side by side (repeat_interleave) → [..., to · dim]: the
 * values that the query heads of a group share, one for each (arXiv:2510.04800, Table 7: value shared with Mamba).
 * The gradient of a head is the sum over its copies.
 * @throws Error when the heads don't fit.
 */
export function expandHeads(tape: Tape, v: Tensor, { from, to, dim }: ExpandHeadsOptions): Tensor {
  if (columnsOf(v) !== from * dim || to % from !== 0) {
    throw new Error(`[${v.shape}] does not hold ${from} heads of ${dim} elements that could become ${to}`);
  }
  const copies = to / from;
  const wide = isWide(dim);
  const units = dim / lengthOf(wide);
  const y = tape.alloc([...v.shape.slice(0, -1), to * dim], "expand heads", v.type);
  const record = (x: Tensor, into: Tensor, o: { heads: [number, number]; sum: number; pick: string; add: boolean }) => {
    const count = rowsOf(into) * o.heads[1] * units;
    tape.recorder.dispatch({
      kernel: "fusion/heads",
      constants: { UNITS: units, FROM: o.heads[0], TO: o.heads[1], COPIES: o.sum, ACCUMULATE: o.add },
      before: `${vector(wide)}fn pick(h: u32, c: u32) -> u32 { return ${o.pick}; }\n`,
      bindings: [x, into],
      params: [count],
      groups: spread(Math.ceil(count / 256)),
      label: into === y ? "expand heads" : "expand heads dx",
    });
  };
  tape.push({
    outputs: [y],
    cheap: true,
    forward: () => record(v, y, { heads: [from, to], sum: 1, pick: `h / ${copies}u`, add: false }),
    backward: () => {
      const { gradient, accumulate } = tape.gradientOf(v);
      const pick = `h * ${copies}u + c`;
      record(tape.incoming(y), gradient, { heads: [to, from], sum: copies, pick, add: accumulate });
    },
  });
  return y;
}
