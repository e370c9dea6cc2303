import { float } from "../gpu/recorder.js";
import { sizeOf, type Tensor } from "../gpu/tensor.js";
import { type Bound, declare } from "./bindings.js";
import type { Tape } from "./tape.js";
import { scalarSigmoid } from "./vector.js";

/** Parameters of a λ, [d] each. */
export interface LambdaVectors {
  q1: Tensor;
  k1: Tensor;
  q2: Tensor;
  k2: Tensor;
}

/** λ_init of layer `index`, counted from 0, by Diff-Transformer and Diff-Mamba: 0.8 - 0.6 · exp(-0.3 · index). */
export const lambdaInit = (index: number): number => 0.8 - 0.6 * Math.exp(-0.3 * index);

/**
 * λ = exp(q1 · k1) - exp(q2 · k2) + λ_init → [1] (Differential Transformer, arXiv:2410.05258, equation 2).
 * @throws Error when the vectors differ in length.
 */
export function differentialLambda(tape: Tape, { q1, k1, q2, k2 }: LambdaVectors, initial: number): Tensor {
  const length = sizeOf(q1);
  for (const tensor of [k1, q2, k2]) {
    if (sizeOf(tensor) !== length)
      throw new Error(`λ: ${tensor.label} [${tensor.shape}] is not as long as [${q1.shape}]`);
  }
  const bound = (names: string[], tensors: Tensor[], write = false): Bound[] =>
    tensors.map((tensor, i) => ({ name: names[i], tensor, element: "f32", write }));
  const read = bound(["q1", "k1", "q2", "k2"], [q1, k1, q2, k2]);
  const value = tape.alloc([1], "lambda");
  tape.recorder.dispatch({
    kernel: "fusion/lambda",
    before: `${declare(2, read)}fn part(i: u32) -> vec2f { return vec2f(q1[i] * k1[i], q2[i] * k2[i]); }
fn finish(sums: vec2f) -> f32 { return exp(sums.x) - exp(sums.y); }
`,
    bindings: [value, ...read.map(({ tensor }) => tensor)],
    params: [length, float(initial)],
    groups: [1],
    label: "lambda",
  });
  tape.push({
    outputs: [value],
    backward: () => {
      for (const [sign, q, k] of [
        ["", q1, k1],
        ["-", q2, k2],
      ] as const) {
        const targets = [q, k].map((tensor) => tape.gradientOf(tensor));
        const gradients = targets.map(({ gradient }) => gradient);
        const [dq, dk] = targets.map(({ accumulate }) => (accumulate ? "+=" : "="));
        const buffers = [...bound(["q", "k"], [q, k]), ...bound(["dq", "dk"], gradients, true)];
        backward(tape, value, length, buffers, {
          part: "q[i] * k[i]",
          slope: `${sign}exp(sum)`,
          store: `dq[i] ${dq} f * k[i]; dk[i] ${dk} f * q[i];`,
        });
      }
    },
  });
  return value;
}

/**
 * λ = sigmoid(Σ v) + λ_init → [1], for v [d]: Differential Mamba (Schneider et al. 2025, arXiv:2507.06204), as its authors' code
 * (NadavSc/Diff-Mamba, DiffMamba2Block) has it.
 */
export function mambaLambda(tape: Tape, v: Tensor, initial: number): Tensor {
  const length = sizeOf(v);
  const read: Bound = { name: "v", tensor: v, element: "f32" };
  const value = tape.alloc([1], "lambda");
  tape.recorder.dispatch({
    kernel: "fusion/lambda",
    before: `${scalarSigmoid}${declare(2, [read])}fn part(i: u32) -> vec2f { return vec2f(v[i], 0.0); }
fn finish(sums: vec2f) -> f32 { return sigmoid(sums.x); }
`,
    bindings: [value, v],
    params: [length, float(initial)],
    groups: [1],
    label: "lambda",
  });
  tape.push({
    outputs: [value],
    backward: () => {
      const { gradient, accumulate } = tape.gradientOf(v);
      backward(tape, value, length, [read, { name: "dv", tensor: gradient, element: "f32", write: true }], {
        part: "v[i]",
        slope: "sigmoid(sum) * sigmoid(-sum)",
        store: `dv[i] ${accumulate ? "+=" : "="} f;`,
      });
    },
  });
  return value;
}

function backward(
  tape: Tape,
  value: Tensor,
  length: number,
  bound: Bound[],
  { part, slope, store }: { part: string; slope: string; store: string },
): void {
  tape.recorder.dispatch({
    kernel: "fusion/lambda-backward",
    before: `${scalarSigmoid}${declare(2, bound)}fn part(i: u32) -> f32 { return ${part}; }
fn slope(sum: f32) -> f32 { return ${slope}; }
fn store(i: u32, f: f32) { ${store} }
`,
    bindings: [tape.incoming(value), ...bound.map(({ tensor }) => tensor)],
    params: [length],
    groups: [1],
    label: "lambda dx",
  });
}
