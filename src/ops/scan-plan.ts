import type { KernelConstants } from "../gpu/gpu.js";
import { kernels } from "../gpu/kernels.generated.js";
import { type DispatchOptions, spread } from "../gpu/recorder.js";
import { unrolled } from "./unroll.js";

type Walk = "states" | "output" | "reverse" | "backward";

/** How a selective scan is cut into chunks and workgroups: a function of its shape and of the kind of adapter alone. */
export interface ScanPlan {
  /** Chunks of Q tokens a sequence. */
  chunks: number;
  /** Invocations walk whole sequences, not chunks side by side. */
  whole: boolean;
  /** Vectors of four elements of a state. */
  units: number;
  /** Channels of a workgroup of the backward pass, and how many sums over channels it makes of each. */
  width: number;
  parts: number;
  /** The walking kernels' first parameters: tokens of a sequence, of a walk, walks a sequence, channels, invocations. */
  walk: number[];
  /** Workgroups of 64 such invocations. */
  groups: [number, number];
  /** Kernel, constants and label of a kernel with its loops over a state or a chunk written out; `before` goes in front. */
  kernel: (
    name: Walk,
    constants?: KernelConstants,
    before?: string,
  ) => Pick<DispatchOptions, "kernel" | "constants" | "before" | "label">;
}

export function scanPlan(
  { batch, length, channels, state }: { batch: number; length: number; channels: number; state: number },
  software: boolean,
): ScanPlan {
  // The backward pass holds a chunk's tokens in registers: with 16, about 200 of them.
  const chunk = software ? 8 : 16;
  const width = software ? 16 : 64;
  const chunks = Math.ceil(length / chunk);
  // A GPU needs chunks side by side to be busy, at the price of exponentials computed once more.
  const whole = software || chunks === 1;
  const blocks = whole ? 1 : chunks;
  const units = state / 4;
  const items = batch * blocks * channels;
  return {
    chunks,
    whole,
    units,
    width,
    parts: Math.ceil(channels / width) * (width / chunk),
    walk: [length, whole ? length : chunk, blocks, channels, items],
    groups: spread(Math.ceil(items / 64)),
    kernel: (name, constants, before = "") => ({
      kernel: "ssd/softplus",
      constants: { UNITS: units, Q: chunk, ...constants },
      before: before + unrolled(unrolled(kernels[`scan/${name}`], "n", "UNITS", units), "k", "Q", chunk),
      label: `scan/${name}`,
    }),
  };
}
