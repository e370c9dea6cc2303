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
  return arrange(tape, v, {
    ...{ from, to, dim, copies },
    source: `h / ${copies}u`,
    copy: `h * ${copies}u + c`,
    label: "expand heads",
  });
}

/**
 * The values of differential attention as DiffLlama lays them out (Ye et al. 2024, arXiv:2410.05258): of v [..., heads · dim] each
 * key head k gets the double head [v(k mod n) | v(k mod n + n)], with n = heads / 2 → [..., heads · 2 · dim]. Both queries of a pair
 * thus weigh the same values. The gradient of a head is the sum over its two copies.
 * @throws Error when v does not hold an even number of heads.
 */
export function pairHeads(tape: Tape, v: Tensor, { heads, dim }: { heads: number; dim: number }): Tensor {
  if (columnsOf(v) !== heads * dim || heads % 2 !== 0) {
    throw new Error(`[${v.shape}] does not hold an even number of heads of ${dim} elements (${heads})`);
  }
  const n = heads / 2;
  return arrange(tape, v, {
    ...{ from: heads, to: 2 * heads, dim, copies: 2 },
    source: `h / 2u % ${n}u + h % 2u * ${n}u`,
    copy: `2u * (h % ${n}u + c * ${n}u) + h / ${n}u`,
    label: "pair heads",
  });
}

interface Arrangement extends ExpandHeadsOptions {
  /** Times that each head occurs in the result. */
  copies: number;
  /** WGSL: the input's head that is head h of the result. */
  source: string;
  /** WGSL: copy c of the input's head h. */
  copy: string;
  label: string;
}

function arrange(tape: Tape, v: Tensor, { from, to, dim, copies, source, copy, label }: Arrangement): Tensor {
  const wide = isWide(dim);
  const units = dim / lengthOf(wide);
  const y = tape.alloc([...v.shape.slice(0, -1), to * dim], label);
  const record = (x: Tensor, into: Tensor, o: { heads: [number, number]; sum: number; pick: string; add: boolean }) => {
    const count = rowsOf(into) * o.heads[1] * units;
    tape.recorder.dispatch({
      kernel: "fusion/heads",
      constants: { UNITS: units, FROM: o.heads[0], TO: o.heads[1], COPIES: o.sum, ACCUMULATE: o.add },
      before: `${vector(wide)}fn pick(h: u32, c: u32) -> u32 { return ${o.pick}; }\n`,
      bindings: [x, into],
      params: [count],
      groups: spread(Math.ceil(count / 256)),
      label: into === y ? label : `${label} dx`,
    });
  };
  record(v, y, { heads: [from, to], sum: 1, pick: source, add: false });
  tape.push({
    outputs: [y],
    backward: () => {
      const { gradient, accumulate } = tape.gradientOf(v);
      record(tape.incoming(y), gradient, { heads: [to, from], sum: copies, pick: copy, add: accumulate });
    },
  });
  return y;
}
