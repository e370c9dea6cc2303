import type { Arena } from "../gpu/arena.js";
import { type Recorder, spread } from "../gpu/recorder.js";
import { sizeOf, type Tensor } from "../gpu/tensor.js";
import { isWide, lengthOf, vector } from "./vector.js";

/**
 * Records into[j] (+)= the sum over i of partial[i, j], in a fixed order: the second stage of a weight gradient.
 * partial is [parts, width], `into` has `width` elements.
 */
export function addPartials(
  recorder: Recorder,
  partial: Tensor,
  into: Tensor,
  accumulate: boolean,
  label: string,
): void {
  const [parts, width] = partial.shape;
  // A GPU needs the parts shared out to hide the latency of reading them; in software a barrier costs more than that.
  const [columns, slices] = recorder.gpu.info.software ? [32, 1] : [8, 32];
  recorder.dispatch({
    kernel: "norm/partials",
    constants: { COLUMNS: columns, SLICES: slices, ACCUMULATE: accumulate },
    bindings: [partial, into],
    params: [parts, width],
    groups: spread(Math.ceil(width / columns)),
    label,
  });
}

export interface TotalOptions {
  values: Tensor;
  /** [1], where the result goes. */
  into: Tensor;
  /** Sum the squares. */
  squares?: boolean;
  /** WGSL of `fn finish(sum: f32) -> f32`, with the bindings that it needs from 3 on; the sum itself by default. */
  finish?: { text: string; bindings: Tensor[] };
  label: string;
}

/** Records the sum of all elements of a tensor (or of their squares) in a fixed order: first by workgroups, then of those. */
export function total(recorder: Recorder, arena: Arena, options: TotalOptions): void {
  const { values, into, squares = false, finish, label } = options;
  const wide = isWide(sizeOf(values));
  const units = sizeOf(values) / lengthOf(wide);
  const workgroups = Math.min(Math.ceil(units / 1024), 512);
  const plain = "fn finish(sum: f32) -> f32 { return sum; }\n";
  const partial = arena.alloc([workgroups], `${label} parts`);
  recorder.dispatch({
    kernel: "norm/total",
    constants: { SQUARES: squares },
    before: vector(wide) + plain,
    bindings: [values, partial],
    params: [units],
    groups: [workgroups],
    label,
  });
  recorder.dispatch({
    kernel: "norm/total",
    constants: { SQUARES: false },
    before: vector(false) + (finish?.text ?? plain),
    bindings: [partial, into, ...(finish?.bindings ?? [])],
    params: [workgroups],
    groups: [1],
    label: `${label} (add parts)`,
  });
  arena.release(partial);
}
