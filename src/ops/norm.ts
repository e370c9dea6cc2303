import { float, spread } from "../gpu/recorder.js";
import { bytesIn, columnsOf, rowsOf, type Tensor } from "../gpu/tensor.js";
import { type Bound, declare } from "./bindings.js";
import { finishText, type NormForm, readText, storeText } from "./norm-text.js";
import { addPartials } from "./partials.js";
import { planRows } from "./row-plan.js";
import type { Tape } from "./tape.js";
import { isWide, lengthOf, vector } from "./vector.js";

/**
 * y = x / sqrt(mean(x²) + eps) · w over the last dimension (Zhang & Sennrich 2019, arXiv:1910.07467), or without w.
 * x [..., D], w [D] → [..., D].
 * @throws Error when w does not fit x.
 */
export function rmsNorm(tape: Tape, x: Tensor, weight: Tensor | undefined, eps: number): Tensor {
  return norm(tape, x, weight, { eps, groups: 1, label: "rms norm", cheap: false });
}

export interface GroupNormOptions {
  /** Equal parts of a row, each normalised on its own: heads, mostly. */
  groups: number;
  eps: number;
  /** A constant that multiplies the result; 1 by default. */
  factor?: number;
}

/**
 * factor · x / sqrt(mean(x²) + eps) · w, the mean over each of `groups` equal parts of a row: the norm of each branch of an
 * intra-hybrid block (arXiv:2510.04800, Table 7), and the head-wise norm of the Differential Transformer, whose factor is
 * 1 - λ_init (arXiv:2410.05258, equation 3). x [..., D]; w is [D], or [D / groups], which all parts share, or none → [..., D].
 * @throws Error when w does not fit x, or groups does not divide D.
 */
export function groupNorm(tape: Tape, x: Tensor, weight: Tensor | undefined, o: GroupNormOptions): Tensor {
  if (columnsOf(x) % o.groups !== 0) throw new Error(`Group norm: ${o.groups} groups do not divide ${columnsOf(x)}`);
  return norm(tape, x, weight, { ...o, label: "group norm", cheap: true });
}

export interface GatedRmsNormOptions {
  eps: number;
  /** First column of z in zSource. */
  zColumn: number;
  /** Parts of a row that are normalised each on its own. */
  groups: number;
  /** Whether the gate comes before the norm, as in Mamba-2, or after it (Falcon-H1's mamba_norm_before_gate); true by default. */
  gateFirst?: boolean;
}

/**
 * The gated norm of Mamba-2 (Dao & Gu 2024, arXiv:2405.21060): v = y · silu(z), out = v / sqrt(mean(v²) + eps) · w, the mean over
 * each of `groups` equal parts of a row; where not `gateFirst`, out = y / sqrt(mean(y²) + eps) · w · silu(z).
 * y [..., D]; z is columns [zColumn, zColumn + D) of zSource [..., columns]; w [D] → [..., D].
 * The gradient of zSource is written in those columns alone, over what is there: each of its columns has one reader.
 * @throws Error when shapes don't fit, or groups does not divide D.
 */
export function gatedRmsNorm(tape: Tape, y: Tensor, zSource: Tensor, weight: Tensor, o: GatedRmsNormOptions): Tensor {
  const { eps, zColumn, groups, gateFirst = true } = o;
  if (columnsOf(y) % groups !== 0) throw new Error(`Gated norm: ${groups} groups do not divide ${columnsOf(y)}`);
  if (rowsOf(zSource) !== rowsOf(y) || zColumn + columnsOf(y) > columnsOf(zSource)) {
    throw new Error(`Gated norm: y [${y.shape}] finds no z at column ${zColumn} of [${zSource.shape}]`);
  }
  const gate = { source: zSource, column: zColumn, place: gateFirst ? "before" : "after" } as const;
  return norm(tape, y, weight, { eps, groups, gate, label: "gated norm", cheap: true });
}

interface NormOptions {
  eps: number;
  groups: number;
  factor?: number;
  gate?: { source: Tensor; column: number; place: "before" | "after" };
  label: string;
  /** A norm of the residual stream is not: it reads f32, in mixed precision twice the bytes of its result. */
  cheap: boolean;
}

function norm(tape: Tape, x: Tensor, weight: Tensor | undefined, o: NormOptions): Tensor {
  const { eps, groups, factor = 1, gate, label, cheap } = o;
  const width = columnsOf(x);
  const rows = rowsOf(x);
  const part = width / groups;
  const length = weight && columnsOf(weight);
  if (weight && ((length !== width && length !== part) || rowsOf(weight) !== 1)) {
    throw new Error(`${label}: weight [${weight.shape}] does not fit x [${x.shape}]`);
  }
  const wide = isWide(part, ...(gate ? [gate.column, columnsOf(gate.source)] : []));
  const units = part / lengthOf(wide);
  const { lanes, slots, per } = planRows(tape.gpu, rows, units);
  const each = Math.ceil(units / lanes);
  const constants = {
    UNITS: units,
    GROUPS: groups,
    WIDTH: `${part}.0`,
    LANES: lanes,
    SLOTS: slots,
    EACH: each,
    HELD: each <= 8 ? each : 1,
  };
  const places = gate ? [columnsOf(gate.source) / lengthOf(wide), gate.column / lengthOf(wide)] : [0, 0];
  const params = [rows, float(eps), ...places, float(factor)];
  const form: NormForm = {
    gate: gate?.place,
    weight: !weight ? "none" : length === width ? "columns" : "shared",
    scaled: factor !== 1,
  };
  const read: Bound[] = [
    ...(weight ? [{ name: "w", tensor: weight }] : []),
    ...(gate ? [{ name: "z", tensor: gate.source }] : []),
  ];
  const y = tape.alloc(x.shape, label, tape.activations);
  // The gate's columns are as many as y's.
  const gateBytes = gate ? bytesIn([{ shape: x.shape, type: gate.source.type }]) : 0;
  tape.push({
    outputs: [y],
    cheap,
    forward: () =>
      tape.recorder.dispatch({
        kernel: "norm/forward",
        constants,
        before: vector(wide) + declare(3, read) + readText(form) + finishText(form),
        bindings: [x, y, ...read.map(({ tensor }) => tensor)],
        params,
        groups: [...spread(Math.ceil(rows / slots)), groups],
        label,
        bytes: bytesIn([x, y]) + gateBytes,
      }),
    backward: () => {
      const workgroups = spread(Math.ceil(rows / per));
      const parts = workgroups[0] * workgroups[1] * (lanes === 1 ? slots : 1);
      // A weight that the parts of a row share gets as many times more shares of its gradient.
      const partial = weight && tape.arena.alloc([(parts * width) / length!, length!], `${label} dw parts`);
      const { gradient, accumulate } = tape.gradientOf(x);
      const bound: Bound[] = [...read];
      if (partial) bound.push({ name: "partial", tensor: partial, write: true });
      if (gate) bound.push({ name: "dz", tensor: tape.gradientOf(gate.source).gradient, write: true });
      tape.recorder.dispatch({
        kernel: "norm/backward",
        constants: { ...constants, WEIGHTED: partial !== undefined },
        before: vector(wide) + declare(4, bound) + readText(form) + storeText(form, accumulate),
        bindings: [x, tape.incoming(y), gradient, ...bound.map(({ tensor }) => tensor)],
        params: [...params, per],
        groups: [...workgroups, groups],
        label: `${label} dx`,
        bytes:
          bytesIn([x, y, gradient, ...(accumulate ? [gradient] : []), ...(partial ? [partial] : [])]) + 2 * gateBytes,
      });
      if (!partial) return;
      const target = tape.gradientOf(weight);
      addPartials(tape.recorder, partial, target.gradient, target.accumulate, `${label} dw`);
      tape.arena.release(partial);
    },
  });
  return y;
}
