import { spread } from "../gpu/recorder.js";
import { bytesIn, columnsOf, sizeOf, slice, type Tensor } from "../gpu/tensor.js";
import { addPartials } from "./partials.js";
import { type SsdPlan, ssdPlan } from "./ssd-plan.js";
import { checkStates, type StateEnds, stateEnds } from "./state-ends.js";
import type { Tape } from "./tape.js";
import { type TimeStepLimit, timeStepText } from "./time-step.js";

export interface SsdOptions {
  batch: number;
  /** Tokens a sequence, T. */
  length: number;
  /** H */
  heads: number;
  /** P, a multiple of 4. */
  headDim: number;
  /** N, a multiple of 4. */
  state: number;
  /** G: heads h · G / H share B and C. */
  groups: number;
  /** Q, tokens a chunk: a matter of speed, not of the result. */
  chunk: number;
  /** Where the columns of dt begin in `dtSource`. */
  dtColumn: number;
  /** Bounds of dt; none by default. */
  timeStep?: TimeStepLimit;
  /** [batch, H, P, N]: the state before the first token; zeros by default. Generation only. */
  initialState?: Tensor;
  /** [batch, H, P, N]: gets the state after the last token, for `ssdStep` or the next piece to go on from; may be `initialState` itself. */
  finalState?: Tensor;
}

/**
 * Mamba-2's selective state space in its chunked (SSD) form (design §4; Dao and Gu 2024, §6): for each head
 * dt = softplus(dt_raw + dt_bias), h_t = exp(-exp(A_log) dt_t) h_{t-1} + dt_t x_t ⊗ B_t, y_t = h_t C_t + D x_t.
 * xBC is [B · T, H · P + 2 · G · N] (x, B, C), dt_raw are the H columns of dtSource [B · T, …] from `dtColumn` on → y [B · T, H · P].
 * The gradient of `dtSource` is written for the columns of dt alone, whatever was there: other operations write the others.
 * A sequence may come in pieces, each with the `finalState` of the one before as its `initialState`.
 * @throws Error when the shapes don't fit, or `initialState` is given in training: no gradient goes through it.
 */
export function ssd(
  tape: Tape,
  xBC: Tensor,
  dtSource: Tensor,
  dtBias: Tensor,
  aLog: Tensor,
  d: Tensor,
  o: SsdOptions,
): Tensor {
  checkSsd(xBC, dtSource, [dtBias, aLog, d], o, o.batch * o.length);
  checkStates(tape, "SSM", [o.batch, o.heads, o.headDim, o.state], o);
  const plan = ssdPlan(o, tape.recorder);
  const { batch, length, heads, headDim, groups } = o;
  const { chunks, count } = plan;
  const { recorder } = tape;
  const inner = heads * headDim;
  const decay = tape.alloc([2, batch, heads, chunks * plan.chunk], "ssd decay");
  const states = tape.alloc([batch * chunks, heads, headDim, o.state], "ssd states", tape.activations);
  tape.push({
    outputs: [decay, states],
    forward: () => {
      recorder.dispatch({
        kernel: "ssd/decay",
        constants: plan.sizes,
        before: timeStepText(o.timeStep),
        bindings: [dtSource, dtBias, aLog, decay],
        params: [length, chunks, count, columnsOf(dtSource), o.dtColumn],
        groups: [heads, batch * chunks],
        bytes: bytesIn([{ shape: [batch * length, heads], type: dtSource.type }, decay]),
      });
      recorder.dispatch({
        kernel: "ssd/states",
        ...plan.product("states", [0, columnsOf(xBC), inner], { constants: { REVERSE: false } }),
        bindings: [xBC, xBC, decay, states],
        flops: plan.flops.states,
      });
      passStates(tape, plan, decay, states, false, o);
    },
  });
  const y = tape.alloc([batch * length, inner], "ssd", tape.activations);
  tape.push({
    outputs: [y],
    forward: () => {
      const scores = tape.arena.alloc([batch * chunks, groups, plan.chunk, plan.chunk], "ssd scores", tape.activations);
      recordScores(tape, plan, xBC, scores);
      recorder.dispatch({
        kernel: "ssd/output",
        ...plan.product("output", [], { constants: { CONTINUED: o.initialState !== undefined } }),
        bindings: [xBC, decay, scores, states, d, y],
        flops: plan.flops.output,
      });
      tape.arena.release(scores);
    },
    backward: () => backward(tape, plan, { xBC, dtSource, dtBias, aLog, d, decay, states, y }),
  });
  return y;
}

interface Kept {
  xBC: Tensor;
  dtSource: Tensor;
  dtBias: Tensor;
  aLog: Tensor;
  d: Tensor;
  decay: Tensor;
  states: Tensor;
  y: Tensor;
}

function backward(tape: Tape, plan: SsdPlan, kept: Kept): void {
  const { xBC, dtSource, dtBias, aLog, d, decay, states, y } = kept;
  const { recorder, arena } = tape;
  const { batch, length, heads, headDim, groups, state, dtColumn } = plan.options;
  const { chunks, chunk, count, parts } = plan;
  const inner = heads * headDim;
  const dy = tape.incoming(y);
  const dxBC = tape.gradientOf(xBC).gradient;
  // The gradient of the state that enters each chunk, then of the one that leaves it.
  const dStates = arena.alloc(states.shape, "ssd dS", states.type);
  recorder.dispatch({
    kernel: "ssd/states",
    ...plan.product("states", [0, inner, inner + groups * state], { constants: { REVERSE: true } }),
    bindings: [dy, xBC, decay, dStates],
    flops: plan.flops.states,
    label: "ssd/states backward",
  });
  passStates(tape, plan, decay, dStates, true);
  // Sums for each head and token that the kernels below leave for the gradient of dt; time.wgsl knows the order.
  const rows = arena.alloc([3 * parts.p + parts.q + 3 * parts.n, count], "ssd rows");
  const scores = arena.alloc([batch * chunks, groups, chunk, chunk], "ssd scores", tape.activations);
  recordScores(tape, plan, xBC, scores);
  recorder.dispatch({
    kernel: "ssd/dx",
    ...plan.product("output", [], { rowSums: true }),
    bindings: [xBC, dy, decay, scores, dStates, d, dxBC, rows],
    flops: plan.flops.output,
  });
  const pairs = arena.alloc(scores.shape, "ssd pairs", tape.activations);
  recorder.dispatch({
    kernel: "ssd/pairs",
    ...plan.product("scores", [3 * parts.p * count], { rowSums: true }),
    bindings: [xBC, dy, decay, scores, pairs, rows],
    flops: plan.flops.pairs,
  });
  arena.release(scores);
  const intoC = (3 * parts.p + parts.q) * count;
  const intoB = intoC + parts.n * count;
  recorder.dispatch({
    kernel: "ssd/dbc",
    ...plan.product("dbc", [intoC, inner], { constants: { INTO_B: false }, rowSums: true }),
    bindings: [xBC, dy, decay, pairs, states, states, dxBC, rows],
    flops: plan.flops.dbc,
    label: "ssd/dC",
  });
  recorder.dispatch({
    kernel: "ssd/dbc",
    ...plan.product("dbc", [intoB, columnsOf(xBC)], { constants: { INTO_B: true }, rowSums: true }),
    bindings: [xBC, xBC, decay, pairs, dStates, states, dxBC, rows],
    flops: plan.flops.dbc,
    label: "ssd/dB",
  });
  arena.release(pairs);
  arena.release(dStates);
  const padded = Math.ceil((batch * chunks * heads) / 64) * 64;
  const shares = arena.alloc([3, padded], "ssd shares");
  recorder.dispatch({
    kernel: "ssd/time",
    constants: { ...plan.sizes, P_PARTS: parts.p, Q_PARTS: parts.q, N_PARTS: parts.n },
    before: timeStepText(plan.options.timeStep),
    bindings: [dtSource, dtBias, aLog, decay, rows, tape.gradientOf(dtSource).gradient, shares],
    params: [length, chunks, count, columnsOf(dtSource), dtColumn, padded],
    groups: [heads, batch * chunks],
    bytes: bytesIn([decay, rows, shares]) + 2 * bytesIn([{ shape: [batch * length, heads], type: dtSource.type }]),
  });
  arena.release(rows);
  const names = ["dt_bias", "A_log", "D"];
  for (const [index, weight] of [dtBias, aLog, d].entries()) {
    const { gradient, accumulate } = tape.gradientOf(weight);
    const partial = slice(shares, index * padded, [batch * chunks, heads]);
    addPartials(recorder, partial, gradient, accumulate, `ssd d${names[index]}`);
  }
  arena.release(shares);
}

/** Products C · B of all pairs of tokens of a chunk. */
function recordScores(tape: Tape, plan: SsdPlan, xBC: Tensor, scores: Tensor): void {
  tape.recorder.dispatch({
    kernel: "ssd/scores",
    ...plan.product("scores"),
    bindings: [xBC, scores],
    flops: plan.flops.scores,
  });
}

/** Turns what each chunk adds to the state into the state entering it; in `reverse`, to its gradient, into that of the state leaving it. */
function passStates(
  tape: Tape,
  plan: SsdPlan,
  decay: Tensor,
  states: Tensor,
  reverse: boolean,
  ends: StateEnds = {},
): void {
  const { batch, heads, headDim, state } = plan.options;
  const items = (batch * heads * headDim * state) / 4;
  const { text, bindings } = stateEnds(3, ends);
  tape.recorder.dispatch({
    kernel: "ssd/passing",
    constants: { ...plan.sizes, STATE: headDim * state, REVERSE: reverse },
    before: text,
    bindings: [decay, states, ...bindings],
    params: [items, plan.chunks, plan.count],
    groups: spread(Math.ceil(items / 64)),
    // Of the decays, the last one of each chunk; the states are read and written.
    bytes: 2 * bytesIn([states]),
  });
}

/** @throws Error when the tensors of a scan don't fit its options. */
export function checkSsd(
  xBC: Tensor,
  dtSource: Tensor,
  weights: Tensor[],
  o: Omit<SsdOptions, "batch" | "length" | "chunk">,
  rows: number,
): void {
  const { heads, headDim, state, groups, dtColumn } = o;
  if (headDim % 4 || state % 4)
    throw new Error(
      `The SSM needs a head dimension and a state size that are multiples of 4, not ${headDim} and ${state}`,
    );
  if (heads % groups) throw new Error(`The SSM's ${heads} heads can't be shared out among ${groups} groups`);
  const columns = heads * headDim + 2 * groups * state;
  if (columnsOf(xBC) !== columns || sizeOf(xBC) !== rows * columns)
    throw new Error(`The SSM takes x, B and C as [${rows}, ${columns}], not [${xBC.shape}]`);
  if (dtColumn + heads > columnsOf(dtSource) || sizeOf(dtSource) !== rows * columnsOf(dtSource))
    throw new Error(
      `The SSM takes dt from columns ${dtColumn} to ${dtColumn + heads} of ${rows} tokens: the source is [${dtSource.shape}]`,
    );
  for (const weight of weights)
    if (sizeOf(weight) !== heads) throw new Error(`${weight.label} is [${weight.shape}], the SSM has ${heads} heads`);
}
