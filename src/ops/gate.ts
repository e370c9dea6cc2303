import { spread } from "../gpu/recorder.js";
import { bytesIn, columnsOf, rowsOf, type Tensor } from "../gpu/tensor.js";
import type { Tape } from "./tape.js";
import { isWide, lengthOf, vector } from "./vector.js";

/**
 * y · silu(z): the gate of Mamba-2 where there is no norm (Falcon-H1 without mamba_rms_norm). y [..., D]; z is columns
 * [zColumn, zColumn + D) of zSource [..., columns] → [..., D]. The gradient of zSource is written in those columns alone, over what is
 * there: each of its columns has one reader.
 * @throws Error when zSource has no such columns.
 */
export function gate(tape: Tape, y: Tensor, zSource: Tensor, { zColumn }: { zColumn: number }): Tensor {
  const width = columnsOf(y);
  if (rowsOf(zSource) !== rowsOf(y) || zColumn + width > columnsOf(zSource)) {
    throw new Error(`Gate: y [${y.shape}] finds no z at column ${zColumn} of [${zSource.shape}]`);
  }
  const wide = isWide(width, zColumn, columnsOf(zSource));
  const units = width / lengthOf(wide);
  const count = rowsOf(y) * units;
  const shape = {
    before: vector(wide),
    params: [count, columnsOf(zSource) / lengthOf(wide), zColumn / lengthOf(wide)],
    groups: spread(Math.ceil(count / 256)),
  };
  const result = tape.alloc(y.shape, "gated", y.type);
  tape.push({
    outputs: [result],
    cheap: true,
    forward: () =>
      tape.recorder.dispatch({
        kernel: "fusion/gate",
        constants: { UNITS: units },
        bindings: [y, zSource, result],
        ...shape,
        label: "gate",
        bytes: 3 * bytesIn([y]),
      }),
    backward: () => {
      const { gradient, accumulate } = tape.gradientOf(y);
      tape.recorder.dispatch({
        kernel: "fusion/gate-backward",
        constants: { UNITS: units, ACCUMULATE: accumulate },
        bindings: [y, zSource, tape.incoming(result), gradient, tape.gradientOf(zSource).gradient],
        ...shape,
        label: "gate dx",
        bytes: (5 + (accumulate ? 1 : 0)) * bytesIn([y]),
      });
    },
  });
  return result;
}
