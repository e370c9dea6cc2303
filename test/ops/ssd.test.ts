import { describe, expect, it } from "vitest";
import type { Tensor } from "../../src/gpu/tensor.js";
import { type SsdOptions, ssd } from "../../src/ops/ssd.js";
import type { Tape } from "../../src/ops/tape.js";
import { type SsdShape, ssdReference } from "../reference/ssd.js";
import { type Arrays, checkOp, expectClose, type Inputs, input, random, runOp, useGpu } from "./harness.js";

const holder = useGpu();

type Shape = SsdOptions & SsdShape;

const shapeOf = (
  batch: number,
  length: number,
  heads: number,
  headDim: number,
  state: number,
  groups: number,
  chunk: number,
): Shape => ({ batch, length, heads, headDim, state, groups, chunk, dtColumn: 3, dtColumns: heads + 5 });

const nameOf = (o: Shape) => `B${o.batch}-T${o.length}-H${o.heads}-P${o.headDim}-N${o.state}-G${o.groups}-Q${o.chunk}`;

/** dt about softplus(shift), A about exp(aLog). */
function inputsOf(o: Shape, shift = -2, aLog = -0.5): Inputs {
  const rows = o.batch * o.length;
  return {
    xBC: input([rows, o.heads * o.headDim + 2 * o.groups * o.state], 1),
    dtSource: input([rows, o.dtColumns], 2),
    dtBias: input([o.heads], 3, 0.5, shift),
    aLog: input([o.heads], 4, 0.5, aLog),
    d: input([o.heads], 5),
  };
}

function build(tape: Tape, { xBC, dtSource, dtBias, aLog, d }: Record<string, Tensor>, o: Shape): Tensor {
  const y = ssd(tape, xBC, dtSource, dtBias, aLog, d, o);
  // Runs first in the backward pass: the columns beside dt belong to other operations, and must keep their zeros.
  tape.push({ outputs: [], backward: () => tape.recorder.clear(tape.gradientOf(dtSource).gradient) });
  return y;
}

const reference = ({ xBC, dtSource, dtBias, aLog, d }: Arrays, o: Shape) =>
  ssdReference(xBC, dtSource, dtBias, aLog, d, o).y;

describe("ssd agrees with the float64 recurrence, forward and backward", () => {
  for (const o of [
    shapeOf(1, 1, 1, 4, 4, 1, 16),
    shapeOf(2, 5, 2, 8, 4, 1, 64),
    shapeOf(2, 33, 4, 4, 8, 2, 16),
    shapeOf(1, 63, 2, 8, 16, 1, 64),
    shapeOf(1, 64, 3, 16, 8, 3, 64),
    shapeOf(1, 65, 2, 4, 20, 1, 64),
    shapeOf(2, 130, 2, 12, 8, 1, 32),
    shapeOf(1, 150, 1, 4, 4, 1, 128),
    shapeOf(1, 70, 1, 72, 80, 1, 16),
  ]) {
    it(nameOf(o), async () => {
      await checkOp(holder.gpu, {
        inputs: inputsOf(o),
        build: (tape, tensors) => build(tape, tensors, o),
        reference: (arrays) => reference(arrays, o),
        samples: 24,
      });
    });
  }
});
