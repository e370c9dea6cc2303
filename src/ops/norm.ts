import type { Gpu } from "../gpu/gpu.js";
import { float, spread } from "../gpu/recorder.js";
import { columnsOf, rowsOf, type Tensor } from "../gpu/tensor.js";
import { addPartials } from "./partials.js";
import type { Tape } from "./tape.js";
import { isWide, lengthOf, vector } from "./vector.js";

/** Columns of a wider tensor. */
interface Columns {
  source: Tensor;
  column: number;
}

/**
 * y = x / sqrt(mean(x²) + eps) · w over the last dimension (Zhang & Sennrich 2019, arXiv:1910.07467).
 * x [..., D], w [D] → [..., D].
 * @throws Error when w does not fit x.
 */
export function rmsNorm(tape: Tape, x: Tensor, weight: Tensor, eps: number): Tensor {
  return norm(tape, x, undefined, weight, eps, 1, "rms norm");
}

export interface GatedRmsNormOptions {
  eps: number;
  /** First column of z in zSource. */
  zColumn: number;
  /** Parts of a row that are normalised each on its own. */
  groups: number;
}

/**
 * The gated norm of Mamba-2 (Dao & Gu 2024, arXiv:2405.21060): v = y · silu(z), out = v / sqrt(mean(v²) + eps) · w, the mean over
 * each of `groups` equal parts of a row. y [..., D]; z is columns [zColumn, zColumn + D) of zSource [..., columns]; w [D] → [..., D].
 * The gradient of zSource is written in those columns alone, over what is there: each of its columns has one reader.
 * @throws Error when shapes don't fit, or groups does not divide D.
 */
export function gatedRmsNorm(tape: Tape, y: Tensor, zSource: Tensor, weight: Tensor, o: GatedRmsNormOptions): Tensor {
  if (columnsOf(y) % o.groups !== 0) throw new Error(`Gated norm: ${o.groups} groups do not divide ${columnsOf(y)}`);
  if (rowsOf(zSource) !== rowsOf(y) || o.zColumn + columnsOf(y) > columnsOf(zSource)) {
    throw new Error(`Gated norm: y [${y.shape}] finds no z at column ${o.zColumn} of [${zSource.shape}]`);
  }
  return norm(tape, y, { source: zSource, column: o.zColumn }, weight, o.eps, o.groups, "gated norm");
}

function norm(
  tape: Tape,
  x: Tensor,
  z: Columns | undefined,
  weight: Tensor,
  eps: number,
  groups: number,
  label: string,
): Tensor {
  const width = columnsOf(x);
  const rows = rowsOf(x);
  if (columnsOf(weight) !== width || rowsOf(weight) !== 1) {
    throw new Error(`${label}: weight [${weight.shape}] does not fit x [${x.shape}]`);
  }
  const wide = isWide(width / groups, ...(z ? [z.column, columnsOf(z.source)] : []));
  const units = width / groups / lengthOf(wide);
  const { lanes, slots, per } = plan(tape.gpu, rows, units);
  const each = Math.ceil(units / lanes);
  const constants = {
    UNITS: units,
    GROUPS: groups,
    WIDTH: `${width / groups}.0`,
    LANES: lanes,
    SLOTS: slots,
    EACH: each,
    HELD: each <= 8 ? each : 1,
  };
  const params = [rows, float(eps), z ? columnsOf(z.source) / lengthOf(wide) : 0, z ? z.column / lengthOf(wide) : 0];
  const gate = z ? [z.source] : [];
  const y = tape.alloc(x.shape, label);
  tape.recorder.dispatch({
    kernel: "norm/forward",
    constants,
    before: vector(wide) + cellText(z && 4),
    bindings: [x, weight, y, ...gate],
    params,
    groups: [...spread(Math.ceil(rows / slots)), groups],
    label,
  });
  tape.push({
    outputs: [y],
    backward: () => {
      const workgroups = spread(Math.ceil(rows / per));
      const parts = workgroups[0] * workgroups[1] * (lanes === 1 ? slots : 1);
      const partial = tape.arena.alloc([parts, width], `${label} dw parts`);
      const { gradient, accumulate } = tape.gradientOf(x);
      const dz = z ? [tape.gradientOf(z.source).gradient] : [];
      tape.recorder.dispatch({
        kernel: "norm/backward",
        constants,
        before: vector(wide) + cellText(z && 6) + storeText(accumulate, z && 7),
        bindings: [x, weight, tape.incoming(y), gradient, partial, ...gate, ...dz],
        params: [...params, per],
        groups: [...workgroups, groups],
        label: `${label} dx`,
      });
      const target = tape.gradientOf(weight);
      addPartials(tape.recorder, partial, target.gradient, target.accumulate, `${label} dw`);
      tape.arena.release(partial);
    },
  });
  return y;
}

/**
 * How a row is shared out. On a GPU 16 to 64 invocations read it side by side, mostly four vectors each at most, which stay
 * in registers; and about a thousand workgroups keep the memory busy. In software an invocation takes whole rows, without a barrier.
 */
function plan(gpu: Gpu, rows: number, units: number): { lanes: number; slots: number; per: number } {
  if (gpu.info.software) return { lanes: 1, slots: 16, per: 128 };
  const lanes = units <= 64 ? 16 : units <= 128 ? 32 : 64;
  const slots = 256 / lanes;
  return { lanes, slots, per: Math.ceil(rows / 1024 / slots) * slots };
}

/** What is read for V number j of a row, and what is normalised there; the gate z, where there is one, is bound at `binding`. */
function cellText(binding: number | undefined): string {
  if (!binding) {
    return `struct Cell { x: V }
fn load(row: u32, j: u32) -> Cell { return Cell(x[${at}]); }
fn value(cell: Cell) -> V { return cell.x; }
`;
  }
  return `struct Cell { x: V, z: V }
@group(0) @binding(${binding}) var<storage, read> z: array<V>;
fn load(row: u32, j: u32) -> Cell { return Cell(x[${at}], z[${gateAt}]); }
fn value(cell: Cell) -> V { return cell.x * (cell.z * sigmoid(cell.z)); }
`;
}

/** `store`: hands the gradient dv of V number j of a row on to x, and to the gate where there is one. */
function storeText(accumulate: boolean, binding: number | undefined): string {
  const assign = accumulate ? "+=" : "=";
  if (!binding) return `fn store(row: u32, j: u32, cell: Cell, dv: V) { dx[${at}] ${assign} dv; }\n`;
  return `@group(0) @binding(${binding}) var<storage, read_write> dz: array<V>;
fn store(row: u32, j: u32, cell: Cell, dv: V) {
  let s = sigmoid(cell.z);
  dx[${at}] ${assign} dv * (cell.z * s);
  dz[${gateAt}] = dv * cell.x * (s * (V(1.0) + cell.z * (V(1.0) - s)));
}
`;
}

const at = "row * (GROUPS * UNITS) + j";
const gateAt = "row * p.z_stride + p.z0 + j";
