import { type ColumnTable, from, table } from "arquero";
import { Rng } from "../data/rng.js";
import { Arena, download, tensorFrom } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { Recorder } from "../gpu/recorder.js";
import type { Tensor } from "../gpu/tensor.js";
import { languageModel } from "../model/language-model.js";
import type { Parameters } from "../model/parameters.js";
import { createTokenBuffers, destroyTokenBuffers, uploadTokens } from "../ops/embedding.js";
import { Tape } from "../ops/tape.js";

export interface ReceptiveFieldOptions {
  /** How many output positions are looked at, spread over the second half of the sequence; default: 8. */
  positions?: number;
  /** Of the random projections. */
  seed?: number;
}

const embeddingName = "model.embed_tokens.weight";

/**
 * The effective receptive field of the whole model (Luo et al. 2016, arXiv:1701.04128): by backward passes, how strongly the hidden
 * state after the last norm, at some positions t, depends on the embedded token at each s <= t. The gradient of v · hidden_t, for
 * a random v with elements of variance 1, has a squared length of ‖∂ hidden_t / ∂ embedding_s‖² (Frobenius) on average over v.
 * Takes the memory of a training step of `positions` sequences.
 * @returns a row for each pair: query (t), key (s), distance (t - s), gradient (the length)
 * @throws Error when there are fewer than two tokens, or not 1 to T / 2 positions
 */
export async function influence(
  gpu: Gpu,
  parameters: Parameters,
  ids: ArrayLike<number>,
  { positions = 8, seed = 0 }: ReceptiveFieldOptions = {},
): Promise<ColumnTable> {
  const length = ids.length;
  const most = Math.floor(length / 2);
  if (most < 1) throw new Error(`A receptive field takes two tokens or more, not ${length}.`);
  if (!(Number.isInteger(positions) && positions >= 1 && positions <= most)) {
    throw new Error(`positions: ${positions} is not a whole number from 1 to ${most}, half of the ${length} tokens.`);
  }
  const queries = Array.from({ length: positions }, (_, i) => length - 1 - Math.floor((i * most) / positions));
  const gradient = await embeddingGradients(gpu, parameters, ids, queries, new Rng(seed, "receptive field"));
  const { dModel } = parameters.config;
  const rows = queries.flatMap((query, i) =>
    Array.from({ length: query + 1 }, (_, key) => {
      const first = (i * length + key) * dModel;
      return { query, key, distance: query - key, gradient: Math.hypot(...gradient.subarray(first, first + dModel)) };
    }),
  );
  return from(rows);
}

/**
 * `influence` by distance.
 * @returns a row for each distance, from 0: gradient (mean over the positions that have a token at that distance), share (of the
 * sum over all distances), positions (how many)
 * @throws Error as `influence`
 */
export async function receptiveField(
  gpu: Gpu,
  parameters: Parameters,
  ids: ArrayLike<number>,
  options: ReceptiveFieldOptions = {},
): Promise<ColumnTable> {
  const pairs = await influence(gpu, parameters, ids, options);
  const [distances, gradients] = [pairs.array("distance"), pairs.array("gradient")] as ArrayLike<number>[];
  const sums = new Float64Array(ids.length);
  const positions = new Uint32Array(ids.length);
  for (let i = 0; i < distances.length; i++) {
    sums[distances[i]] += gradients[i];
    positions[distances[i]]++;
  }
  const means = Array.from(sums, (sum, distance) => sum / positions[distance]);
  const total = means.reduce((sum, mean) => sum + mean, 0);
  return table({
    distance: means.map((_, distance) => distance),
    gradient: means,
    share: means.map((mean) => mean / total),
    positions: Array.from(positions),
  });
}

/**
 * Gradients [Q · T, dModel] of v · hidden at each of the queries with respect to the embedded tokens. All queries go in one batch of
 * copies of the sequence, in which every token gets an id of its own, so that the gradient of the embedding's table is that of each token.
 */
async function embeddingGradients(
  gpu: Gpu,
  parameters: Parameters,
  ids: ArrayLike<number>,
  queries: readonly number[],
  rng: Rng,
): Promise<Float32Array> {
  const { config } = parameters;
  const [batch, length, width] = [queries.length, ids.length, config.dModel];
  const rows = batch * length;
  const table = tensorFrom(gpu, [rows, width], "embedding of each token", await embedded(gpu, parameters, ids, batch));
  const gradient = tensorFrom(gpu, [rows, width], "gradient of each token");
  const seeds = new Float32Array(rows * width);
  for (const [i, query] of queries.entries()) {
    for (let j = 0; j < width; j++) seeds[(i * length + query) * width + j] = rng.normal(0, 1);
  }
  const seeded = tensorFrom(gpu, [rows, width], "projections", seeds);
  const tokens = createTokenBuffers(gpu, rows, rows);
  const recorder = new Recorder(gpu);
  const arena = new Arena(gpu);
  try {
    uploadTokens(
      gpu,
      tokens,
      Uint32Array.from({ length: rows }, (_, row) => row),
    );
    const tape = new Tape(recorder, arena, true, { gradientOf: (tensor) => (tensor === table ? gradient : undefined) });
    const get = (name: string): Tensor => (name === embeddingName ? table : parameters.get(name));
    const hidden = languageModel(tape, { config, get }, tokens, { batch, length });
    recorder.copy(seeded, tape.gradientOf(hidden).gradient);
    tape.backward();
    recorder.submit();
    return await download(gpu, gradient);
  } finally {
    for (const { buffer } of [table, gradient, seeded]) buffer.destroy();
    destroyTokenBuffers(tokens);
    recorder.destroy();
    arena.destroy();
  }
}

/** Rows of the embedding's table, one for each token, `copies` times over. */
async function embedded(
  gpu: Gpu,
  parameters: Parameters,
  ids: ArrayLike<number>,
  copies: number,
): Promise<Float32Array> {
  const { dModel, vocabSize } = parameters.config;
  const all = await download(gpu, parameters.get(embeddingName));
  const values = new Float32Array(copies * ids.length * dModel);
  for (let row = 0; row < copies * ids.length; row++) {
    const id = ids[row % ids.length];
    if (!(Number.isInteger(id) && id >= 0 && id < vocabSize)) {
      throw new Error(
        `Token ${row} has id ${id}, but the vocabulary has ${vocabSize} entries (0 to ${vocabSize - 1}).`,
      );
    }
    values.set(all.subarray(id * dModel, (id + 1) * dModel), row * dModel);
  }
  return values;
}
