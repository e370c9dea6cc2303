import { upload } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { spread } from "../gpu/recorder.js";
import { columnsOf, rowsOf, sizeOf, type Tensor } from "../gpu/tensor.js";
import type { LossScale } from "./loss-scale.js";
import { type Matrix, matmul, matrix } from "./matmul.js";
import { total } from "./partials.js";
import type { Tape } from "./tape.js";
import { isWide, lengthOf, vector } from "./vector.js";

/** The target of a position whose prediction does not count. */
export const notScored = 0xffffffff;

export interface CrossEntropyOptions {
  /** Rows whose logits exist at once, a multiple of 64; by default as many as 256 MiB hold, and 2048 at least. */
  chunk?: number;
  /** f32 [rows]: takes the loss of each row, 0 where it is not scored. */
  perToken?: Tensor;
  /** f32 [rows]: takes 1 where no logit is larger than the target's, 0 elsewhere and where the row is not scored. */
  hits?: Tensor;
  /** What the logits are multiplied by (the logits_scaling of Granite divides: 1 / logits_scaling here); 1 by default. */
  logitScale?: number;
  /** What the gradients are multiplied by on their way; the loss itself is not. */
  lossScale?: LossScale;
}

/**
 * Mean of -log softmax(logitScale · hidden · tableᵀ)[target] over the scored rows (0 when none is), in nats: hidden [..., D] after the final norm,
 * table [V, D] (the tied embedding, or a head of its own), targets u32 [rows] (`notScored` where nothing is asked).
 *
 * In training the gradients of hidden and table are written here, in the forward pass, chunk by chunk: that of the loss
 * itself is 1, and so the logits exist once, for one chunk, and become their own gradient in place. Nothing is left for the tape.
 * loss [1] and scored [3] (the number of scored rows n, 1 / n, and that times the loss scale) belong to the arena and stay as they are until released.
 * @throws Error when shapes don't fit, `chunk` is not a multiple of 64, or logitScale is not a finite f32.
 */
export function crossEntropy(
  tape: Tape,
  hidden: Tensor,
  table: Tensor,
  targets: Tensor,
  o: CrossEntropyOptions = {},
): { loss: Tensor; scored: Tensor } {
  const { recorder, arena, gpu, training } = tape;
  const rows = rowsOf(hidden);
  const width = columnsOf(hidden);
  const vocabSize = rowsOf(table);
  if (
    columnsOf(table) !== width ||
    sizeOf(targets) !== rows ||
    [o.perToken, o.hits].some((each) => each && sizeOf(each) !== rows)
  ) {
    throw new Error(
      `Cross-entropy: hidden [${hidden.shape}], table [${table.shape}], targets [${targets.shape}]${o.perToken ? `, perToken [${o.perToken.shape}]` : ""}${o.hits ? `, hits [${o.hits.shape}]` : ""} do not fit together`,
    );
  }
  const chunk = Math.min(o.chunk ?? chunkRows(gpu, vocabSize), Math.ceil(rows / 64) * 64);
  if (chunk % 64 !== 0) throw new Error(`Cross-entropy: a chunk of ${chunk} rows is not a multiple of 64`);

  const scored = arena.alloc([3], "scored rows");
  recorder.dispatch({
    kernel: "loss/count",
    before: o.lossScale
      ? "@group(0) @binding(3) var<storage, read> scales: array<f32>;\nfn loss_scale() -> f32 { return scales[0]; }\n"
      : "fn loss_scale() -> f32 { return 1.0; }\n",
    bindings: [targets, scored, ...(o.lossScale ? [o.lossScale] : [])],
    params: [rows],
    groups: [1],
    label: "cross-entropy count",
  });

  const losses = o.perToken ?? arena.alloc([rows], "losses");
  const logits = arena.alloc([Math.min(chunk, rows), vocabSize], "logits");
  const alpha = o.logitScale;
  const dHidden = training ? tape.gradientOf(hidden) : undefined;
  for (let row0 = 0; row0 < rows; row0 += chunk) {
    const part: Matrix = { ...matrix(hidden, 0, width), rows: Math.min(chunk, rows - row0), start: row0 * width };
    const scores: Matrix = { ...matrix(logits), rows: part.rows };
    matmul(recorder, arena, { a: part, b: tape.operand(table), c: scores, transposeB: true, alpha, label: "head" });
    softmax(tape, { logits, targets, scored, losses, hits: o.hits }, part.rows, row0);
    if (!dHidden) continue;
    const into: Matrix = { ...part, tensor: dHidden.gradient };
    const { accumulate } = dHidden;
    const dx = { a: scores, b: tape.operand(table), c: into, accumulate, alpha, label: "head dx" } as const;
    matmul(recorder, arena, dx);
    const dTable = tape.gradientOf(table);
    matmul(recorder, arena, {
      a: scores,
      b: part,
      c: { tensor: dTable.gradient, rows: vocabSize, columns: width, stride: width, start: 0 },
      transposeA: true,
      accumulate: dTable.accumulate,
      alpha,
      label: "head dW",
    });
  }
  arena.release(logits);

  const loss = arena.alloc([1], "loss");
  total(recorder, arena, { values: losses, into: loss, finish: { text: mean, bindings: [scored] }, label: "loss" });
  if (!o.perToken) arena.release(losses);
  return { loss, scored };
}

const mean = `@group(0) @binding(3) var<storage, read> scored: array<f32>;
fn finish(sum: f32) -> f32 { return sum * scored[1]; }
`;

const noteHits = `@group(0) @binding(5) var<storage, read_write> hits: array<f32>;
fn note_hit(row: u32, hit: bool) { hits[row] = f32(hit); }
`;
const noHits = "fn note_hit(row: u32, hit: bool) {}\n";

interface Rows {
  logits: Tensor;
  targets: Tensor;
  scored: Tensor;
  losses: Tensor;
  hits?: Tensor;
}

function softmax(tape: Tape, { logits, targets, scored, losses, hits }: Rows, rows: number, row0: number): void {
  const wide = isWide(columnsOf(logits));
  const units = columnsOf(logits) / lengthOf(wide);
  // Few enough reads an invocation that the row stays in the cache for the second pass.
  const hardwareLanes = units <= 128 ? 16 : units <= 512 ? 64 : 256;
  const [lanes, slots] = tape.gpu.info.software ? [1, 16] : [hardwareLanes, 256 / hardwareLanes];
  tape.recorder.dispatch({
    kernel: "loss/softmax",
    constants: { UNITS: units, LANES: lanes, SLOTS: slots, GRADIENT: tape.training },
    before: vector(wide) + (hits ? noteHits : noHits),
    bindings: [logits, targets, scored, losses, ...(hits ? [hits] : [])],
    params: [rows, row0],
    groups: spread(Math.ceil(rows / slots)),
    label: "softmax",
  });
}

/** Long chunks make large products and few additions to the table's gradient; 256 MiB of logits is what they may cost. */
function chunkRows(gpu: Gpu, vocabSize: number): number {
  const rows = (bytes: number) => Math.floor(bytes / 4 / vocabSize / 64) * 64;
  const most = rows(Math.min(gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize));
  return Math.max(64, Math.min(most, Math.max(2048, rows(2 ** 28))));
}

/**
 * Sends the targets of a step to the GPU.
 * @throws Error when there are not as many as rows, or one is neither below vocabSize nor `notScored`; nothing is sent then.
 */
export function uploadTargets(gpu: Gpu, targets: Tensor, ids: Uint32Array, vocabSize: number): void {
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] >= vocabSize && ids[i] !== notScored) {
      throw new Error(
        `Target ${i} has id ${ids[i]}, but the vocabulary has ${vocabSize} entries (0 to ${vocabSize - 1}): the data was made with another tokenizer.`,
      );
    }
  }
  upload(gpu, targets, ids);
}
