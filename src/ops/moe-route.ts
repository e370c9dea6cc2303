import { kernels } from "../gpu/kernels.generated.js";
import { float, spread } from "../gpu/recorder.js";
import { columnsOf, rowsOf, sizeOf, type Tensor } from "../gpu/tensor.js";
import { declare } from "./bindings.js";
import type { Tape } from "./tape.js";
import { scalarSigmoid } from "./vector.js";

export interface RouteOptions {
  /** Experts a token. */
  topK: number;
  /** Of a logit: its sigmoid, its softmax over all experts, or its softmax over the chosen ones. */
  score: "sigmoid" | "softmax" | "softmax-topk";
  /** Divide the weights of a token by their sum; "softmax-topk" does so by its definition. */
  normalise: boolean;
  /** The weights are multiplied by this. */
  scale: number;
}

export interface Routing {
  /** u32 [R, K], the most probable expert first. */
  choice: Tensor;
  /** f32 [R, K] */
  weight: Tensor;
  /** In training: the sum of the rows' entropies by workgroup; it belongs to the arena until `balance` releases it. */
  entropy?: Tensor;
}

const rowsPerGroup = 64;

/**
 * Chooses each token's experts: logits [R, E] → the K experts of the largest score, and their scores as weights. A bias [E] is
 * added to the scores for the choice alone, not for the weights (Wang et al. 2024, arXiv:2408.15664). Ties go to the lower index.
 * The weights pass their gradient on to the logits; the choice has none, and neither has the bias.
 * @throws Error when topK is not between 1 and E, or the bias does not fit.
 */
export function route(tape: Tape, logits: Tensor, bias: Tensor | undefined, options: RouteOptions): Routing {
  const { topK, score, scale } = options;
  const rows = rowsOf(logits);
  const experts = columnsOf(logits);
  if (!(Number.isInteger(topK) && topK >= 1 && topK <= experts)) {
    throw new Error(`Router: top ${topK} of ${experts} experts; topK must be a whole number from 1 to ${experts}`);
  }
  if (bias && sizeOf(bias) !== experts) {
    throw new Error(`Router: a bias [${bias.shape}] does not fit logits [${logits.shape}]`);
  }
  const constants = {
    EXPERTS: experts,
    TOP_K: topK,
    SOFTMAX: score === "softmax",
    CHOSEN: score === "softmax-topk",
    NORMALISE: options.normalise || score === "softmax-topk",
  };
  const params = [rows, float(scale)];
  const groups = spread(Math.ceil(rows / rowsPerGroup));
  const shared = scalarSigmoid + kernels["moe/scores"];
  const choice = tape.alloc([rows, topK], "experts chosen");
  const weight = tape.alloc([rows, topK], "expert weights");
  const entropy = tape.training
    ? tape.arena.alloc([Math.ceil(rows / rowsPerGroup)], "router entropy parts")
    : undefined;
  tape.recorder.dispatch({
    kernel: "moe/route",
    constants: { ...constants, BIASED: bias !== undefined, ENTROPY: entropy !== undefined },
    before: shared + biasText(bias) + noteText(bias ? 5 : 4, entropy),
    bindings: [logits, choice, weight, ...(bias ? [bias] : []), ...(entropy ? [entropy] : [])],
    params,
    groups,
    label: "route",
  });
  // Never computed again: it is small.
  tape.push({
    outputs: [choice, weight],
    saved: [choice],
    backward: () => {
      const { gradient, accumulate } = tape.gradientOf(logits);
      tape.recorder.dispatch({
        kernel: "moe/route-backward",
        constants: { ...constants, ACCUMULATE: accumulate },
        before: shared,
        bindings: [logits, choice, tape.incoming(weight), gradient],
        params,
        groups,
        label: "route dx",
      });
    },
  });
  return { choice, weight, entropy };
}

/** WGSL of `bias(expert)`, bound after the outputs, or zero where there is none. */
const biasText = (bias: Tensor | undefined): string =>
  bias
    ? `${declare(4, [{ name: "biases", tensor: bias, element: "f32" }])}fn bias(e: u32) -> f32 { return biases[e]; }\n`
    : "fn bias(e: u32) -> f32 { return 0.0; }\n";

/** WGSL of `note(workgroup, invocation, h)`, which sums the entropies h of a workgroup's rows, or drops them. */
const noteText = (binding: number, entropy: Tensor | undefined): string =>
  entropy
    ? `${declare(binding, [{ name: "parts", tensor: entropy, element: "f32", write: true }])}var<workgroup> entropies: array<f32, ${rowsPerGroup}>;
fn note(index: u32, local: u32, h: f32) {
  entropies[local] = h;
  workgroupBarrier();
  if (local > 0u || index * ${rowsPerGroup}u >= p.rows) { return; }
  var sum = 0.0;
  for (var i = 0u; i < ${rowsPerGroup}u; i++) { sum += entropies[i]; }
  parts[index] = sum;
}
`
    : "fn note(index: u32, local: u32, h: f32) {}\n";
