import { spread } from "../gpu/recorder.js";
import { columnsOf, sizeOf, type Tensor } from "../gpu/tensor.js";
import { biasText, type ConvOptions, checkConvWeights } from "./conv1d.js";
import { checkSsd, type SsdOptions } from "./ssd.js";
import type { Tape } from "./tape.js";
import { timeStepText } from "./time-step.js";
import { scalarSigmoid } from "./vector.js";

/**
 * One token of `convSilu` for each sequence: input [batch, columns] → [batch, channels]. `state` [batch, width - 1, channels] holds the
 * inputs before it, oldest first (zeros at the start of a sequence, or `finalState` of `convSilu`), and moves on by one.
 * @throws Error when the shapes don't fit, or the tape records for training: a step has no backward pass.
 */
export function convSiluStep(
  tape: Tape,
  input: Tensor,
  state: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  o: Pick<ConvOptions, "column" | "channels" | "width">,
): Tensor {
  const { column, channels, width } = o;
  const columns = columnsOf(input);
  const batch = sizeOf(input) / columns;
  forGenerationOnly(tape);
  checkConvWeights(weight, bias, channels, width);
  if (column + channels > columns || sizeOf(state) !== batch * (width - 1) * channels) {
    throw new Error(
      `A step of the convolution of columns ${column} to ${column + channels} of [${input.shape}] takes a state [${batch}, ${width - 1}, ${channels}], not [${state.shape}]`,
    );
  }
  const y = tape.alloc([batch, channels], "conv");
  tape.recorder.dispatch({
    kernel: "conv1d/step",
    constants: { WIDTH: width },
    before: scalarSigmoid + biasText(5, bias),
    bindings: [input, weight, state, y, ...(bias ? [bias] : [])],
    params: [batch * channels, channels, columns, column],
    groups: spread(Math.ceil((batch * channels) / 64)),
  });
  return y;
}

/**
 * One token of `ssd` for each sequence, as the recurrence: xBC [batch, H · P + 2 · G · N] and the dt columns of dtSource [batch, …] → y [batch, H · P].
 * `state` [batch, H, P, N] (zeros at the start of a sequence, or `finalState` of `ssd`) is updated in place.
 * @throws Error when the shapes don't fit, or the tape records for training: a step has no backward pass.
 */
export function ssdStep(
  tape: Tape,
  xBC: Tensor,
  dtSource: Tensor,
  state: Tensor,
  dtBias: Tensor,
  aLog: Tensor,
  d: Tensor,
  o: Omit<SsdOptions, "batch" | "length" | "chunk">,
): Tensor {
  const { heads, headDim, state: n, groups, dtColumn } = o;
  const batch = sizeOf(xBC) / columnsOf(xBC);
  forGenerationOnly(tape);
  checkSsd(xBC, dtSource, [dtBias, aLog, d], o, batch);
  const rows = batch * heads * headDim;
  if (sizeOf(state) !== rows * n)
    throw new Error(`A step of the SSM takes a state [${batch}, ${heads}, ${headDim}, ${n}], not [${state.shape}]`);
  // Neighbouring lanes read neighbouring elements; in software one lane a row does with the least work.
  const lanes = tape.gpu.info.software ? 1 : 16;
  const y = tape.alloc([batch, heads * headDim], "ssd");
  tape.recorder.dispatch({
    kernel: "ssd/step",
    constants: { P: headDim, N: n, H: heads, G: groups, LANES: lanes },
    before: timeStepText(o.timeStep),
    bindings: [xBC, dtSource, dtBias, aLog, d, state, y],
    params: [rows, columnsOf(dtSource), dtColumn],
    groups: spread(Math.ceil(rows / (64 / lanes))),
  });
  return y;
}

function forGenerationOnly(tape: Tape): void {
  if (tape.training) throw new Error("Decoding steps are for generation: they have no backward pass to train with");
}
