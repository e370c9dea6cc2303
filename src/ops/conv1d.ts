import { spread } from "../gpu/recorder.js";
import { columnsOf, sizeOf, type Tensor } from "../gpu/tensor.js";
import { addPartials } from "./partials.js";
import type { Tape } from "./tape.js";
import { scalarSigmoid } from "./vector.js";

export interface ConvOptions {
  batch: number;
  /** Tokens a sequence. */
  length: number;
  /** First of the convolved columns of the input. */
  column: number;
  channels: number;
  /** Taps: the current token and width - 1 before it. */
  width: number;
  /** [batch, width - 1, channels]: gets the last width - 1 inputs of each sequence, for `convSiluStep` to go on from; zeros where it is shorter. */
  finalState?: Tensor;
}

/** Tokens an invocation walks: long enough to spread the width - 1 inputs read twice, short enough to fill a GPU. */
const tokens = { forward: 16, backward: 32 };

/**
 * Causal depthwise convolution with bias, then SiLU (design §4, Mamba-2), over columns [column, column + channels) of
 * input [batch · length, columns] → [batch · length, channels]. weight is [channels, 1, width], its last tap multiplying the current
 * token; bias is [channels]. Sequences of the batch do not see each other.
 * The gradient of `input` is written for those columns alone, whatever was there: other operations write the others.
 * @throws Error when the shapes don't fit.
 */
export function convSilu(tape: Tape, input: Tensor, weight: Tensor, bias: Tensor, o: ConvOptions): Tensor {
  const { batch, length, column, channels, width, finalState } = o;
  const columns = columnsOf(input);
  if (column + channels > columns || sizeOf(input) !== batch * length * columns) {
    throw new Error(
      `Convolution of columns ${column} to ${column + channels} of ${batch} × ${length} tokens: the input is [${input.shape}]`,
    );
  }
  checkConvWeights(weight, bias, channels, width);
  const { recorder } = tape;
  const shape = (each: number) => {
    const blocks = Math.ceil(length / each);
    const items = batch * blocks * channels;
    return { items, params: [length, blocks, items, channels, columns, column], groups: spread(Math.ceil(items / 64)) };
  };
  const y = tape.alloc([batch * length, channels], "conv");
  const forward = shape(tokens.forward);
  recorder.dispatch({
    kernel: "conv1d/forward",
    constants: { WIDTH: width, TOKENS: tokens.forward },
    before: scalarSigmoid,
    bindings: [input, weight, bias, y],
    params: forward.params,
    groups: forward.groups,
  });
  if (finalState && width > 1) {
    const items = batch * (width - 1) * channels;
    recorder.dispatch({
      kernel: "conv1d/keep",
      constants: { KEPT: width - 1 },
      bindings: [input, finalState],
      params: [length, items, channels, columns, column],
      groups: spread(Math.ceil(items / 64)),
    });
  }
  tape.push({
    outputs: [y],
    backward: () => {
      const { items, params, groups } = shape(tokens.backward);
      const { gradient } = tape.gradientOf(input);
      const dWeight = tape.arena.alloc([items / channels, channels * width], "conv dW parts");
      const dBias = tape.arena.alloc([items / channels, channels], "conv db parts");
      recorder.dispatch({
        kernel: "conv1d/backward",
        constants: { WIDTH: width, TOKENS: tokens.backward },
        before: scalarSigmoid,
        bindings: [input, weight, bias, tape.incoming(y), gradient, dWeight, dBias],
        params,
        groups,
      });
      for (const [partial, into, label] of [
        [dWeight, tape.gradientOf(weight), "conv dW"],
        [dBias, tape.gradientOf(bias), "conv db"],
      ] as const) {
        addPartials(recorder, partial, into.gradient, into.accumulate, label);
        tape.arena.release(partial);
      }
    },
  });
  return y;
}

/** @throws Error when weight is not [channels, 1, width] or bias not [channels]. */
export function checkConvWeights(weight: Tensor, bias: Tensor, channels: number, width: number): void {
  if (sizeOf(weight) !== channels * width || sizeOf(bias) !== channels) {
    throw new Error(
      `A convolution of ${channels} channels and width ${width} takes weights [${channels}, 1, ${width}] and [${channels}], not [${weight.shape}] and [${bias.shape}]`,
    );
  }
}
