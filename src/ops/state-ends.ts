// What operations that walk a sequence share about the state before its first token and after its last.
import { elements, sizeOf, type Tensor } from "../gpu/tensor.js";
import { type Bound, declare } from "./bindings.js";
import type { Tape } from "./tape.js";

export interface StateEnds {
  /** Zeros by default. */
  initialState?: Tensor;
  /** May be `initialState` itself. */
  finalState?: Tensor;
}

/** @throws Error when a state is not of `shape`, or a sequence is continued in training. */
export function checkStates(tape: Tape, name: string, shape: number[], { initialState, finalState }: StateEnds): void {
  if (tape.training && initialState)
    throw new Error(`The ${name} goes on from an initial state in generation only: no gradient goes through it`);
  for (const state of [initialState, finalState])
    if (state && sizeOf(state) !== elements(shape))
      throw new Error(`The ${name} keeps a state [${shape.join(", ")}], not [${state.shape}]`);
}

/**
 * WGSL of `start(item) -> vec4f`, the initial state or zeros, and `finish(item, state)`, which writes the final state or drops it, with
 * their bindings from `first` on. In one dispatch WebGPU lets a buffer be either read or written: one that serves for both is bound writable.
 */
export function stateEnds(
  first: number,
  { initialState, finalState }: StateEnds,
): { text: string; bindings: Tensor[] } {
  const bound: Bound[] = [];
  const one = initialState && finalState?.buffer === initialState.buffer && finalState.offset === initialState.offset;
  if (initialState) {
    const write = finalState?.buffer === initialState.buffer;
    bound.push({ name: "initial_state", tensor: initialState, element: "vec4f", write });
  }
  if (finalState && !one) bound.push({ name: "final_state", tensor: finalState, element: "vec4f", write: true });
  let text = declare(first, bound);
  text += `fn start(item: u32) -> vec4f { return ${initialState ? "initial_state[item]" : "vec4f()"}; }\n`;
  text += finalState
    ? `fn finish(item: u32, state: vec4f) { ${one ? "initial_state" : "final_state"}[item] = state; }\n`
    : "fn finish(item: u32, state: vec4f) {}\n";
  return { text, bindings: bound.map(({ tensor }) => tensor) };
}
