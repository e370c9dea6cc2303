import { spread } from "../gpu/recorder.js";
import { columnsOf, rowsOf, type Tensor } from "../gpu/tensor.js";
import type { Tape } from "./tape.js";
import { isWide, lengthOf, vector } from "./vector.js";

/**
 * silu(gate) · up (Shazeer 2020, arXiv:2002.05202): gateUp [..., 2F] = [gate | up] → [..., F].
 * @throws Error when gateUp has an odd number of columns.
 */
export function swiglu(tape: Tape, gateUp: Tensor): Tensor {
  const width = columnsOf(gateUp) / 2;
  if (!Number.isInteger(width)) throw new Error(`SwiGLU: [${gateUp.shape}] does not split into gate and up`);
  const wide = isWide(width);
  const units = width / lengthOf(wide);
  const count = rowsOf(gateUp) * units;
  const groups = spread(Math.ceil(count / 256));
  const y = tape.alloc([...gateUp.shape.slice(0, -1), width], "swiglu");
  tape.recorder.dispatch({
    kernel: "ffn/swiglu",
    constants: { UNITS: units },
    before: vector(wide),
    bindings: [gateUp, y],
    params: [count],
    groups,
    label: "swiglu",
  });
  tape.push({
    outputs: [y],
    backward: () => {
      const { gradient, accumulate } = tape.gradientOf(gateUp);
      tape.recorder.dispatch({
        kernel: "ffn/swiglu-backward",
        constants: { UNITS: units, ACCUMULATE: accumulate },
        before: vector(wide),
        bindings: [gateUp, tape.incoming(y), gradient],
        params: [count],
        groups,
        label: "swiglu dx",
      });
    },
  });
  return y;
}
