import { spread } from "../gpu/recorder.js";
import { columnsOf, rowsOf, type Tensor } from "../gpu/tensor.js";
import { type LinearOptions, linear } from "./linear.js";
import type { Tape } from "./tape.js";
import { isWide, lengthOf, vector } from "./vector.js";

/** z · sigmoid(z); z · Φ(z) (Hendrycks & Gimpel 2016, arXiv:1606.08415); that with tanh for Φ; max(z, 0)² (So et al. 2021, arXiv:2109.08668); sigmoid(z). */
export type Activation = "silu" | "gelu" | "gelu-tanh" | "relu2" | "sigmoid";

/** f(x), element by element: x [...] → [...]. */
export const activate = (tape: Tape, x: Tensor, kind: Activation): Tensor => record(tape, x, kind, false, kind);

/**
 * f(gate) · up (Shazeer 2020, arXiv:2002.05202): gateUp [..., 2F] = [gate | up] → [..., F].
 * @throws Error when gateUp has an odd number of columns.
 */
export const gated = (tape: Tape, gateUp: Tensor, kind: Activation): Tensor =>
  record(tape, gateUp, kind, true, kind === "silu" ? "swiglu" : `gated ${kind}`);

/**
 * `gated` of a projection x · Wᵀ, W the rows of gate and up. For silu, where tensor cores multiply and their tiles divide the product, its kernel
 * writes both results.
 */
export function gatedLinear(
  tape: Tape,
  x: Tensor,
  weights: Tensor[],
  label: string,
  kind: Activation,
  options: LinearOptions = {},
): Tensor {
  const { halves, gpu } = tape.recorder;
  if (kind !== "silu" || !halves || !gpu.info.matrices)
    return gated(tape, linear(tape, x, weights, label, undefined, options), kind);
  const width = weights.reduce((sum, weight) => sum + weight.shape[0], 0);
  const into = tape.alloc([...x.shape.slice(0, -1), width / 2], "swiglu", options.type ?? tape.activations);
  let made = false;
  const onMade = () => {
    made = true;
  };
  const gateUp = linear(tape, x, weights, label, undefined, { ...options, silu: { into, onMade } });
  return record(tape, gateUp, kind, true, "swiglu", { into, made });
}

function record(
  tape: Tape,
  x: Tensor,
  kind: Activation,
  gated: boolean,
  label: string,
  { into, made }: { into?: Tensor; made?: boolean } = {},
): Tensor {
  const width = columnsOf(x) / (gated ? 2 : 1);
  if (!Number.isInteger(width)) throw new Error(`${label}: [${x.shape}] does not split into gate and up`);
  const wide = isWide(width);
  const units = width / lengthOf(wide);
  const count = rowsOf(x) * units;
  const groups = spread(Math.ceil(count / 256));
  const before = `${vector(wide)}alias Whole = ${wide ? "vec4i" : "i32"};\n${slopeText}${texts[kind]}`;
  const y = into ?? tape.alloc([...x.shape.slice(0, -1), width], label, x.type);
  tape.push({
    outputs: [y],
    cheap: true,
    made,
    forward: () =>
      tape.recorder.dispatch({
        kernel: "ffn/activation",
        constants: { UNITS: units, GATED: gated },
        before,
        bindings: [x, y],
        params: [count],
        groups,
        label,
      }),
    backward: () => {
      const { gradient, accumulate } = tape.gradientOf(x);
      tape.recorder.dispatch({
        kernel: "ffn/activation-backward",
        constants: { UNITS: units, GATED: gated, ACCUMULATE: accumulate },
        before,
        bindings: [x, tape.incoming(y), gradient],
        params: [count],
        groups,
        label: `${label} dx`,
      });
    },
  });
  return y;
}

const slopeText = "struct Sloped { value: V, slope: V }\n";

/**
 * Φ(-a) for a ≥ 0 is exp(-a²/2) · R(a) with R(a) = ½ exp(a²/2) erfc(a / √2), which is smooth: t · P(t) with t = 1 / (1 + 0.35 a)
 * and P of degree 8, fitted here to 3.2e-8 relative over 0 ≤ a ≤ 14. No 1 - erf(…), so the left tail keeps its digits. The exponential
 * is taken apart, for an f32 a²/2 of 30 is wrong by 1e-6 already: a = high + low with high² exact, and whole powers of two split off.
 */
const geluText = `struct Tail { density: V, area: V }
/* exp(-a² / 2) and Φ(-a); 0 where a > 13, below the smallest normal f32. */
fn tail(far: V) -> Tail {
  let a = min(far, V(13.0));
  let high = round(a * 64.0) * 0.015625;
  let low = a - high;
  let whole = 0.5 * high * high;
  let rest = low * (high + 0.5 * low);
  let n = round((whole + rest) * 1.44269504);
  let r = (whole - n * 0.693359375) + (rest + n * 2.12194440e-4);
  let density = select(ldexp(exp(-r), -Whole(n)), V(), far > V(13.0));
  let t = 1.0 / (1.0 + 0.35 * a);
  var p = V(-0.029145982);
  p = p * t + 0.14397195;
  p = p * t - 0.25571474;
  p = p * t + 0.15917473;
  p = p * t - 0.023110215;
  p = p * t + 0.10550816;
  p = p * t + 0.11983283;
  p = p * t + 0.13986188;
  p = p * t + 0.1396214;
  return Tail(density, density * (t * p));
}
fn activation(z: V) -> V {
  let q = tail(abs(z)).area;
  return z * select(1.0 - q, q, z < V());
}
fn with_slope(z: V) -> Sloped {
  let side = tail(abs(z));
  let area = select(1.0 - side.area, side.area, z < V());
  return Sloped(z * area, area + z * side.density * 0.39894228);
}
`;

/** ½ (1 + tanh(u)) is sigmoid(2u), and past 30 it is 0 or 1 in f32: there the cube must not overflow. */
const geluTanhText = `const C = 1.5957691216057308;
fn near(z: V) -> V { return clamp(z, V(-30.0), V(30.0)); }
fn gate(z: V) -> V { return sigmoid(C * (z + 0.044715 * z * z * z)); }
fn activation(z: V) -> V { return z * gate(near(z)); }
fn with_slope(z: V) -> Sloped {
  let x = near(z);
  let s = gate(x);
  return Sloped(z * s, s + x * s * (1.0 - s) * (C * (1.0 + 0.134145 * x * x)));
}
`;

/** `activation` is f, `with_slope` f and f' together; both over V. */
const texts: Record<Activation, string> = {
  silu: `fn activation(z: V) -> V { return z * sigmoid(z); }
fn with_slope(z: V) -> Sloped {
  let s = sigmoid(z);
  return Sloped(z * s, s * (V(1.0) + z * (V(1.0) - s)));
}
`,
  sigmoid: `fn activation(z: V) -> V { return sigmoid(z); }
fn with_slope(z: V) -> Sloped { let s = sigmoid(z); return Sloped(s, s * sigmoid(-z)); }
`,
  gelu: geluText,
  "gelu-tanh": geluTanhText,
  relu2: `fn activation(z: V) -> V { let x = max(z, V()); return x * x; }
fn with_slope(z: V) -> Sloped { let x = max(z, V()); return Sloped(x * x, 2.0 * x); }
`,
};
