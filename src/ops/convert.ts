import { type Recorder, spread } from "../gpu/recorder.js";
import { sizeOf, type Tensor } from "../gpu/tensor.js";

/** Records to = from, rounded to f16 where `to` is kept so; both of one size, a multiple of 4. */
export function convert(recorder: Recorder, from: Tensor, to: Tensor, label: string): void {
  const count = sizeOf(from) / 4;
  recorder.dispatch({
    kernel: "convert/copy",
    bindings: [from, to],
    params: [count],
    groups: spread(Math.ceil(count / 256)),
    label,
  });
}
