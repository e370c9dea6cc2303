import { spread } from "../gpu/recorder.js";
import { columnsOf, rowsOf, type Tensor } from "../gpu/tensor.js";
import type { Tape } from "./tape.js";
import { isWide, lengthOf, vector } from "./vector.js";

/**
 * WGSL that multiplies what stands before it by a constant of the model; nothing at all for 1, so that the kernels of models
 * without multipliers stay as they are.
 * @throws Error when the factor is not a finite f32.
 */
export function times(factor = 1): string {
  if (!Number.isFinite(Math.fround(factor))) throw new Error(`A multiplier of ${factor} is not a finite number`);
  return factor === 1 ? "" : ` * f32(${factor})`;
}

/** Columns [column, column + width) and what they are multiplied by. */
export interface ScaledColumns {
  column: number;
  width: number;
  factor: number;
}

/**
 * x [..., D] with ranges of its columns multiplied by constants, the others as they are → [..., D]: the ssm_multipliers of
 * Falcon-H1 (arXiv:2507.22448) on the parts [z | x | B | C | dt] of a Mamba-2 projection. dx has the same factors.
 * @throws Error when a range leaves the columns or overlaps another, or a factor is not a finite f32.
 */
export function scaleColumns(tape: Tape, x: Tensor, segments: readonly ScaledColumns[]): Tensor {
  const width = columnsOf(x);
  const sorted = [...segments].sort((a, b) => a.column - b.column);
  let end = 0;
  for (const { column, width: length } of sorted) {
    if (
      !Number.isInteger(column) ||
      !Number.isInteger(length) ||
      length < 1 ||
      column < end ||
      column + length > width
    ) {
      const ranges = sorted.map((part) => `[${part.column}, ${part.column + part.width})`).join(", ");
      throw new Error(`Scale: columns ${ranges} overlap or do not lie in the ${width} columns of ${x.label}`);
    }
    end = column + length;
  }
  const wide = isWide(width, ...sorted.flatMap((part) => [part.column, part.width]));
  const units = width / lengthOf(wide);
  const cases = sorted
    .filter(({ factor }) => factor !== 1)
    .map(({ column, width: length, factor }) => {
      const [from, to] = [column / lengthOf(wide), (column + length) / lengthOf(wide)];
      return `  if (j >= ${from}u && j < ${to}u) { return value${times(factor)}; }\n`;
    });
  const before = `${vector(wide)}fn scaled(value: V, j: u32) -> V {\n${cases.join("")}  return value;\n}\n`;
  const count = rowsOf(x) * units;
  const y = tape.alloc(x.shape, `scaled ${x.label}`, x.type);
  const record = (from: Tensor, to: Tensor, accumulate: boolean, label: string) =>
    tape.recorder.dispatch({
      kernel: "scale/columns",
      constants: { UNITS: units, ACCUMULATE: accumulate },
      before,
      bindings: [from, to],
      params: [count],
      groups: spread(Math.ceil(count / 256)),
      label,
    });
  tape.push({
    outputs: [y],
    cheap: true,
    forward: () => record(x, y, false, "scale"),
    backward: () => {
      const { gradient, accumulate } = tape.gradientOf(x);
      record(tape.incoming(y), gradient, accumulate, "scale dx");
    },
  });
  return y;
}

/** factor · x. @throws Error when the factor is not a finite f32. */
export const scale = (tape: Tape, x: Tensor, factor: number): Tensor =>
  scaleColumns(tape, x, [{ column: 0, width: columnsOf(x), factor }]);
