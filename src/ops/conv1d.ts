import { spread } from "../gpu/recorder.js";
import { bytesIn, columnsOf, sizeOf, type Tensor } from "../gpu/tensor.js";
import { declare } from "./bindings.js";
import { addPartials } from "./partials.js";
import { checkStates } from "./state-ends.js";
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
  /** [batch, width - 1, channels]: the inputs before the first token, oldest first; zeros by default. Generation only. */
  initialState?: Tensor;
  /**
   * [batch, width - 1, channels]: gets the last width - 1 inputs, those of `initialState` among them where the sequence is shorter, for
   * `convSiluStep` or the next piece to go on from; may be `initialState` itself.
   */
  finalState?: Tensor;
}

/** Tokens an invocation walks: long enough to spread the width - 1 inputs read twice, short enough to fill a GPU. */
const tokens = { forward: 16, backward: 32 };

/**
 * Causal depthwise convolution, with bias unless that is undefined, then SiLU (design §4, Mamba-2), over columns [column, column + channels) of
 * input [batch · length, columns] → [batch · length, channels]. weight is [channels, 1, width], its last tap multiplying the current
 * token; bias is [channels]. A sequence may come in pieces, each with the
 * `finalState` of the one before as its `initialState`. Sequences of the batch do not see each other.
 * The gradient of `input` is written for those columns alone, whatever was there: other operations write the others.
 * @throws Error when the shapes don't fit, or `initialState` is given in training: no gradient goes through it.
 */
export function convSilu(tape: Tape, input: Tensor, weight: Tensor, bias: Tensor | undefined, o: ConvOptions): Tensor {
  const { batch, length, column, channels, width, initialState, finalState } = o;
  const columns = columnsOf(input);
  if (column + channels > columns || sizeOf(input) !== batch * length * columns) {
    throw new Error(
      `Convolution of columns ${column} to ${column + channels} of ${batch} × ${length} tokens: the input is [${input.shape}]`,
    );
  }
  checkConvWeights(weight, bias, channels, width);
  checkStates(tape, "convolution", [batch, width - 1, channels], o);
  const { recorder } = tape;
  const shape = (each: number) => {
    const blocks = Math.ceil(length / each);
    const items = batch * blocks * channels;
    return { items, params: [length, blocks, items, channels, columns, column], groups: spread(Math.ceil(items / 64)) };
  };
  const y = tape.alloc([batch * length, channels], "conv", tape.activations);
  const forward = shape(tokens.forward);
  const started = width > 1 ? initialState : undefined;
  const record = () => {
    recorder.dispatch({
      kernel: "conv1d/forward",
      constants: { WIDTH: width, TOKENS: tokens.forward },
      before: scalarSigmoid + biasText(4, bias) + earlierText(bias ? 5 : 4, started, width, channels),
      bindings: [input, weight, y, ...(bias ? [bias] : []), ...(started ? [started] : [])],
      params: forward.params,
      groups: forward.groups,
      bytes: 2 * bytesIn([y]),
    });
    if (finalState && width > 1) {
      // WebGPU lets a buffer be either read or written in one dispatch.
      const inPlace = initialState?.buffer === finalState.buffer;
      if (inPlace && initialState?.offset !== finalState.offset)
        throw new Error(
          "The convolution's initial and final states are different parts of one buffer: give one tensor, or two buffers",
        );
      const earlier = inPlace
        ? `fn earlier(b: u32, i: u32, c: u32) -> f32 { return state[(b * KEPT + i) * ${channels}u + c]; }\n`
        : earlierText(3, initialState, width, channels);
      recorder.dispatch({
        kernel: "conv1d/keep",
        constants: { KEPT: width - 1 },
        before: earlier,
        bindings: [input, finalState, ...(initialState && !inPlace ? [initialState] : [])],
        params: [length, batch * channels, channels, columns, column],
        groups: spread(Math.ceil((batch * channels) / 64)),
      });
    }
  };
  tape.push({
    outputs: [y],
    cheap: true,
    forward: record,
    backward: () => {
      const { items, params, groups } = shape(tokens.backward);
      const { gradient } = tape.gradientOf(input);
      const dWeight = tape.arena.alloc([items / channels, channels * width], "conv dW parts");
      const dBias = bias && tape.arena.alloc([items / channels, channels], "conv db parts");
      recorder.dispatch({
        kernel: "conv1d/backward",
        constants: { WIDTH: width, TOKENS: tokens.backward },
        before: scalarSigmoid + biasText(6, bias) + putBiasText(7, dBias),
        bindings: [input, weight, tape.incoming(y), gradient, dWeight, ...(bias && dBias ? [bias, dBias] : [])],
        params,
        groups,
        // The convolved columns of the input and of its gradient are as many as those of y and of its.
        bytes: 3 * bytesIn([y]) + bytesIn([dWeight, ...(dBias ? [dBias] : [])]),
      });
      const add = (partial: Tensor, to: Tensor, label: string) => {
        const into = tape.gradientOf(to);
        addPartials(recorder, partial, into.gradient, into.accumulate, label);
        tape.arena.release(partial);
      };
      add(dWeight, weight, "conv dW");
      if (bias && dBias) add(dBias, bias, "conv db");
    },
  });
  return y;
}

/** WGSL of `bias_of(channel)`, the bias bound at `binding`, or zero where there is none. */
export const biasText = (binding: number, bias: Tensor | undefined): string =>
  bias
    ? `${declare(binding, [{ name: "bias", tensor: bias, element: "f32" }])}fn bias_of(c: u32) -> f32 { return bias[c]; }\n`
    : "fn bias_of(c: u32) -> f32 { return 0.0; }\n";

const putBiasText = (binding: number, dBias: Tensor | undefined): string =>
  dBias
    ? `${declare(binding, [{ name: "d_bias", tensor: dBias, element: "f32", write: true }])}fn put_bias(item: u32, db: f32) { d_bias[item] = db; }\n`
    : "fn put_bias(item: u32, db: f32) {}\n";

/** WGSL of `earlier(sequence, i, channel)`, input number i of the initial state bound at `binding`, or zero where there is none. */
const earlierText = (binding: number, state: Tensor | undefined, width: number, channels: number): string =>
  state
    ? `${declare(binding, [{ name: "before", tensor: state, element: "f32" }])}fn earlier(b: u32, i: u32, c: u32) -> f32 { return before[(b * ${width - 1}u + i) * ${channels}u + c]; }
`
    : "fn earlier(b: u32, i: u32, c: u32) -> f32 { return 0.0; }\n";

/** @throws Error when weight is not [channels, 1, width] or bias, where there is one, not [channels]. */
export function checkConvWeights(weight: Tensor, bias: Tensor | undefined, channels: number, width: number): void {
  if (sizeOf(weight) !== channels * width || (bias && sizeOf(bias) !== channels)) {
    const given = bias ? `[${weight.shape}] and [${bias.shape}]` : `[${weight.shape}]`;
    throw new Error(
      `A convolution of ${channels} channels and width ${width} takes weights [${channels}, 1, ${width}]${bias ? ` and [${channels}]` : ""}, not ${given}`,
    );
  }
}
