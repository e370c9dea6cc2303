import { spread } from "../gpu/recorder.js";
import { bytesIn, columnsOf, rowsOf, type Tensor } from "../gpu/tensor.js";
import type { Tape } from "./tape.js";
import { isWide, lengthOf, vector } from "./vector.js";

/**
 * Tensors [..., W₁], [..., W₂], … side by side → [..., ΣW]; each gets its columns of the gradient.
 * @throws Error when their rows differ in number.
 */
export function concatColumns(tape: Tape, tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (!first || tensors.some((tensor) => rowsOf(tensor) !== rowsOf(first))) {
    throw new Error(`Tensors ${tensors.map(({ shape }) => `[${shape}]`).join(", ")} do not lie side by side`);
  }
  const width = tensors.reduce((sum, tensor) => sum + columnsOf(tensor), 0);
  const y = tape.alloc([...first.shape.slice(0, -1), width], "concat", first.type);
  const each = (body: (tensor: Tensor, column: number) => void) => {
    let column = 0;
    for (const tensor of tensors) {
      body(tensor, column);
      column += columnsOf(tensor);
    }
  };
  tape.push({
    outputs: [y],
    cheap: true,
    forward: () =>
      each((tensor, to) =>
        copyColumns(tape, { source: tensor, into: y, to, width: columnsOf(tensor), label: "concat" }),
      ),
    backward: () =>
      each((tensor, from) => {
        const { gradient, accumulate } = tape.gradientOf(tensor);
        const width = columnsOf(tensor);
        copyColumns(tape, { source: tape.incoming(y), from, into: gradient, width, accumulate, label: "concat dx" });
      }),
  });
  return y;
}

export interface SliceOptions {
  column: number;
  width: number;
  /**
   * Nobody else reads these columns, and each of the others has its own reader: their gradient is written there alone,
   * over what is there, as `convSilu` and `gatedRmsNorm` do. False by default.
   */
  own?: boolean;
}

/**
 * A copy of columns [column, column + width) of x [..., columns] → [..., width]. Where not `own`, its gradient adds to that of x, and
 * is the first one with zeros in the other columns: operations that only ever write the gradient of x have to come after this one.
 * @throws Error when x has no such columns.
 */
export function sliceColumns(tape: Tape, x: Tensor, { column, width, own = false }: SliceOptions): Tensor {
  const columns = columnsOf(x);
  if (width < 1 || column < 0 || column + width > columns) {
    throw new Error(`Columns ${column} to ${column + width} are not in ${x.label} [${x.shape}]`);
  }
  const y = tape.alloc([...x.shape.slice(0, -1), width], `${x.label} columns`, x.type);
  tape.push({
    outputs: [y],
    cheap: true,
    forward: () => copyColumns(tape, { source: x, from: column, into: y, width, label: "slice" }),
    backward: () => {
      const { gradient, accumulate } = tape.gradientOf(x);
      const alone = own || accumulate;
      const place = alone ? { to: column, width } : { skip: column, width, all: columns };
      const add = accumulate && !own;
      copyColumns(tape, { source: tape.incoming(y), into: gradient, ...place, accumulate: add, label: "slice dx" });
    },
  });
  return y;
}

interface ColumnCopy {
  source: Tensor;
  /** First column read; 0 by default. */
  from?: number;
  into: Tensor;
  /** First column written; 0 by default. */
  to?: number;
  width: number;
  /** Zeros before the columns read, and in all how many columns are written; 0 and `width` by default. */
  skip?: number;
  all?: number;
  accumulate?: boolean;
  label: string;
}

function copyColumns(tape: Tape, o: ColumnCopy): void {
  const { source, from = 0, into, to = 0, width, skip = 0, all = width, accumulate = false, label } = o;
  const columns = [columnsOf(source), from, columnsOf(into), to, skip, width];
  const wide = isWide(...columns, all);
  const units = all / lengthOf(wide);
  const count = rowsOf(into) * units;
  tape.recorder.dispatch({
    kernel: "fusion/columns",
    constants: { UNITS: units, ACCUMULATE: accumulate },
    before: vector(wide),
    bindings: [source, into],
    params: [count, ...columns.map((column) => column / lengthOf(wide))],
    groups: spread(Math.ceil(count / 256)),
    label,
    bytes: bytesIn([
      { shape: [rowsOf(source), width], type: source.type },
      { shape: [rowsOf(into), accumulate ? 2 * all : all], type: into.type },
    ]),
  });
}
