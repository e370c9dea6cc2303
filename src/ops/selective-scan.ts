import { spread } from "../gpu/recorder.js";
import { bytesIn, columnsOf, rowsOf, sizeOf, slice, type Tensor } from "../gpu/tensor.js";
import { declare } from "./bindings.js";
import { addPartials } from "./partials.js";
import { checkScan, type ScanInputs, type ScanWeights, type SelectiveScanOptions } from "./scan-inputs.js";
import { type ScanPlan, scanPlan } from "./scan-plan.js";
import { checkStates, type StateEnds, stateEnds } from "./state-ends.js";
import type { Tape } from "./tape.js";
import { scalarSigmoid } from "./vector.js";

/**
 * Mamba's selective scan with its gate (Gu and Dao 2023, arXiv:2312.00752, algorithm 2 and §3.4): for each channel
 * delta = softplus(dt + dt_bias), h_t = exp(delta_t A) h_{t-1} + delta_t x_t B_t, y_t = h_t · C_t + D x_t, out = y silu(z) → [B · T, D].
 * Sequences of the batch do not see each other; one may come in pieces, each with the `finalState` of the one before as its `initialState`.
 * Training keeps the states of every 16th token (N / 16 times the size of x) and computes those between again in the backward pass.
 * The gradients of the sources of b, c and z are written for those columns alone, whatever was there: other operations write the others.
 * @throws Error when the shapes don't fit, or `initialState` is given in training: no gradient goes through it.
 */
export function selectiveScan(tape: Tape, inputs: ScanInputs, weights: ScanWeights, o: SelectiveScanOptions): Tensor {
  checkScan(inputs, weights, o);
  checkStates(tape, "selective scan", [o.batch, o.channels, o.state], o);
  const { recorder } = tape;
  const { batch, length, channels, state } = o;
  const plan = scanPlan(o, tape.gpu.info.software);
  const { chunks, whole } = plan;
  const { x, dt, z } = inputs;
  const bc = tape.alloc([batch * length, 2 * state], "scan B and C");
  const packed = tape.alloc([channels, state + 4], "scan weights");
  const shape = [batch * chunks, channels, state];
  // Walking whole sequences, generation needs no states on the way.
  const states = whole && !tape.training ? undefined : tape.alloc(shape, "scan states");
  const sums = whole ? undefined : tape.alloc([batch * chunks, channels], "scan sums");
  tape.push({
    outputs: [bc, packed, ...(states && sums ? [states, sums] : [])],
    forward: () => {
      prepare(tape, inputs, weights, o, bc, packed);
      if (!states || !sums) return;
      recorder.dispatch({
        ...plan.kernel("states"),
        bindings: [x, dt, bc, packed, states, sums],
        params: [length, chunks, channels, sizeOf(sums)],
        groups: spread(Math.ceil(sizeOf(sums) / 64)),
      });
      passStates(tape, plan, packed, sums, states, false, o);
    },
  });
  const out = tape.alloc([batch * length, channels], "selective scan", tape.activations);
  const ends = stateEnds(7, whole ? o : { initialState: states });
  const kept = whole && states ? [states] : [];
  const text = ends.text + keepText(7 + ends.bindings.length, kept);
  tape.push({
    outputs: [out],
    saved: kept,
    forward: () =>
      recorder.dispatch({
        ...plan.kernel("output", {}, scalarSigmoid + text),
        bindings: [x, dt, z.source, bc, packed, out, ...ends.bindings, ...kept],
        params: [...plan.walk, columnsOf(z.source), z.column],
        groups: plan.groups,
        // z has as many columns as x.
        bytes: bytesIn([x, dt, bc, packed, out, ...ends.bindings, ...kept]) + bytesIn([x]),
      }),
    backward: () => backward(tape, plan, inputs, weights, { bc, packed, states: states!, sums, out }),
  });
  return out;
}

/**
 * One token of `selectiveScan` for each sequence: x and dt [batch, D] → [batch, D]. `state` [batch, D, N] (zeros at the start of a
 * sequence, or `finalState` of `selectiveScan`) is updated in place.
 * @throws Error when the shapes don't fit, or the tape records for training: a step has no backward pass.
 */
export function selectiveScanStep(
  tape: Tape,
  inputs: ScanInputs,
  state: Tensor,
  weights: ScanWeights,
  o: Pick<SelectiveScanOptions, "channels" | "state">,
): Tensor {
  const batch = rowsOf(inputs.x);
  return selectiveScan(tape, inputs, weights, { ...o, batch, length: 1, initialState: state, finalState: state });
}

/** WGSL of `keep`, which writes a state to the buffer bound at `binding`, or drops it where there is none. */
const keepText = (binding: number, [kept]: Tensor[]): string =>
  kept
    ? `${declare(binding, [{ name: "kept", tensor: kept, element: "vec4f", write: true }])}fn keep(at: u32, state: vec4f) { kept[at] = state; }\n`
    : "fn keep(at: u32, state: vec4f) {}\n";

/** Records B and C of every token, side by side, and what every channel has of its own. */
function prepare(
  { recorder }: Tape,
  { b, c }: ScanInputs,
  { aLog, d, dtBias }: ScanWeights,
  { batch, length, channels, state }: SelectiveScanOptions,
  bc: Tensor,
  packed: Tensor,
): void {
  const rows = batch * length;
  recorder.dispatch({
    kernel: "scan/prepare",
    constants: { N: state },
    bindings: [b.source, c.source, aLog, dtBias, d, bc, packed],
    params: [rows, channels, columnsOf(b.source), b.column, columnsOf(c.source), c.column],
    groups: spread(Math.ceil((sizeOf(bc) + sizeOf(packed)) / 64)),
    bytes: 2 * bytesIn([bc, packed]),
  });
}

/** Turns what each chunk adds to the state into the state entering it; in `reverse`, to its gradient, into that of the state leaving it. */
function passStates(
  { recorder }: Tape,
  { chunks, units }: ScanPlan,
  packed: Tensor,
  sums: Tensor,
  states: Tensor,
  reverse: boolean,
  ends: StateEnds = {},
): void {
  const channels = packed.shape[0];
  const items = sizeOf(states) / chunks / 4;
  const { text, bindings } = stateEnds(4, ends);
  recorder.dispatch({
    kernel: "scan/passing",
    constants: { UNITS: units, REVERSE: reverse },
    before: text,
    bindings: [packed, sums, states, ...bindings],
    params: [chunks, channels, items],
    groups: spread(Math.ceil(items / 64)),
  });
}

interface Kept {
  bc: Tensor;
  packed: Tensor;
  states: Tensor;
  sums: Tensor | undefined;
  out: Tensor;
}

function backward(tape: Tape, plan: ScanPlan, inputs: ScanInputs, weights: ScanWeights, kept: Kept): void {
  const { recorder, arena } = tape;
  const { x, dt, b, c, z } = inputs;
  const { bc, packed, states, sums, out } = kept;
  const { chunks, parts, width, walk } = plan;
  const [rows, channels] = out.shape;
  const [blocks, , n] = states.shape;
  const zAt = [columnsOf(z.source), z.column];
  const dOut = tape.incoming(out);
  const padded = (size: number) => Math.ceil(size / 64) * 64;
  // Three planes, [rows, channels] each, then each chunk's shares of the gradients of dt_bias and D; backward.wgsl knows the order.
  const shares = padded(3 * rows * channels);
  const each = padded(blocks * channels);
  const work = arena.alloc([shares + 2 * each], "scan work");
  const dStates = arena.alloc(states.shape, "scan dS");
  recorder.dispatch({
    ...plan.kernel("reverse", { WHOLE: plan.whole }, scalarSigmoid),
    bindings: [dt, z.source, dOut, bc, packed, dStates, work],
    params: [...walk, ...zAt],
    groups: plan.groups,
    bytes: bytesIn([dt, dOut, bc, packed, dStates, work]) + bytesIn([dt]),
  });
  if (sums) passStates(tape, plan, packed, sums, dStates, true);
  const partials = arena.alloc([2 * parts, rows, n], "scan dB and dC parts");
  recorder.dispatch({
    ...plan.kernel("backward", { CHANNELS: width }, scalarSigmoid),
    bindings: [x, dt, bc, packed, states, dStates, work, partials],
    params: [walk[0], chunks, channels, rows, blocks, shares, each],
    groups: [Math.ceil(channels / width), ...spread(blocks)],
  });
  for (const [index, { source, column }, label] of [
    [0, c, "scan dC"],
    [1, b, "scan dB"],
  ] as const) {
    recorder.dispatch({
      kernel: "scan/gather",
      constants: { N: n },
      bindings: [partials, tape.gradientOf(source).gradient],
      params: [rows * n, parts, index * parts * rows * n, columnsOf(source), column],
      groups: spread(Math.ceil((rows * n) / 64)),
      label,
      bytes: bytesIn([{ shape: [parts + 1, rows, n], type: partials.type }]),
    });
  }
  arena.release(partials);
  const add = (partial: Tensor, weight: Tensor, label: string) => {
    const { gradient, accumulate } = tape.gradientOf(weight);
    addPartials(recorder, partial, gradient, accumulate, label);
  };
  add(slice(dStates, 0, [blocks, channels * n]), weights.aLog, "scan dA_log");
  arena.release(dStates);
  add(slice(work, shares, [blocks, channels]), weights.dtBias, "scan ddt_bias");
  add(slice(work, shares + each, [blocks, channels]), weights.d, "scan dD");
  const dx = tape.gradientOf(x);
  const dRaw = tape.gradientOf(dt);
  recorder.dispatch({
    kernel: "scan/finish",
    constants: { ADD_X: dx.accumulate, ADD_DT: dRaw.accumulate },
    before: scalarSigmoid,
    bindings: [work, z.source, dOut, dx.gradient, dRaw.gradient, tape.gradientOf(z.source).gradient],
    params: [channels, rows * channels, ...zAt],
    groups: spread(Math.ceil((rows * channels) / 64)),
    bytes: bytesIn([work, dOut, dx.gradient, dRaw.gradient]) + 2 * bytesIn([dOut]),
  });
  arena.release(work);
}
