import { type Recorder, spread } from "../gpu/recorder.js";
import { sizeOf, type Tensor } from "../gpu/tensor.js";

/** Records halves = values, rounded to f16; both of one size, a multiple of 4. */
export function halve(recorder: Recorder, values: Tensor, halves: Tensor): void {
  const count = sizeOf(values) / 4;
  recorder.dispatch({
    kernel: "optimizer/halve",
    bindings: [values, halves],
    params: [count],
    groups: spread(Math.ceil(count / 256)),
    label: "halve weights",
  });
}
