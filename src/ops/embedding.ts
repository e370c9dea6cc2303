import { tensorFrom, upload } from "../gpu/arena.js";
import type { Gpu } from "../gpu/gpu.js";
import { spread } from "../gpu/recorder.js";
import { alignment, columnsOf, sizeOf, type Tensor } from "../gpu/tensor.js";
import { times } from "./scale.js";
import type { Tape } from "./tape.js";
import { isWide, lengthOf, vector } from "./vector.js";

/** Positions of one id that are summed in one go. */
const segmentLength = 32;

/**
 * The token ids of a step, and the same positions sorted by id, so that the gradient of an embedding is a sum in a fixed
 * order instead of a race of atomic additions. Made by `createTokenBuffers`, filled by `uploadTokens`.
 */
export interface TokenBuffers {
  readonly vocabSize: number;
  /** u32 [rows] */
  readonly ids: Tensor;
  /** u32 [rows]: positions by id, and in order within one id. */
  readonly order: Tensor;
  /** u32: where each segment begins in `order` (one segment: up to 32 positions of one id), and the end of the last. */
  readonly segments: Tensor;
  /** u32 [vocabSize + 1]: the first segment of each id, and the number of segments. */
  readonly first: Tensor;
  /** The host's side of the above. */
  readonly host: Record<"order" | "segments" | "first" | "next", Uint32Array>;
}

const mostSegments = (rows: number, vocabSize: number) => Math.floor(rows / segmentLength) + Math.min(vocabSize, rows);

/** Buffers for `rows` tokens a step. */
export function createTokenBuffers(gpu: Gpu, rows: number, vocabSize: number): TokenBuffers {
  const segments = Math.ceil((mostSegments(rows, vocabSize) + 1) / alignment) * alignment;
  return {
    vocabSize,
    ids: tensorFrom(gpu, [rows], "ids"),
    order: tensorFrom(gpu, [rows], "order of ids"),
    segments: tensorFrom(gpu, [segments], "segments of ids"),
    first: tensorFrom(gpu, [vocabSize + 1], "first segments of ids"),
    host: {
      order: new Uint32Array(rows),
      segments: new Uint32Array(segments),
      first: new Uint32Array(vocabSize + 1),
      next: new Uint32Array(vocabSize),
    },
  };
}

export function destroyTokenBuffers({ ids, order, segments, first }: TokenBuffers): void {
  for (const { buffer } of [ids, order, segments, first]) buffer.destroy();
}

/**
 * Sends the ids of a step to the GPU, with their stable counting sort; allocates nothing.
 * @throws Error when there are not `rows` ids, or one is not below vocabSize; nothing is sent then.
 */
export function uploadTokens(gpu: Gpu, buffers: TokenBuffers, ids: Uint32Array): void {
  const { vocabSize, host } = buffers;
  const { order, segments, first, next } = host;
  if (ids.length !== order.length) throw new Error(`This model takes ${order.length} tokens a step, not ${ids.length}`);
  next.fill(0);
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] >= vocabSize) {
      throw new Error(
        `Token ${i} has id ${ids[i]}, but the vocabulary has ${vocabSize} entries (0 to ${vocabSize - 1}): the data was made with another tokenizer.`,
      );
    }
    next[ids[i]]++;
  }
  let at = 0;
  let segment = 0;
  for (let id = 0; id < vocabSize; id++) {
    const end = at + next[id];
    first[id] = segment;
    next[id] = at;
    for (; at < end; at += segmentLength) segments[segment++] = at;
    at = end;
  }
  first[vocabSize] = segment;
  segments[segment] = at;
  for (let i = 0; i < ids.length; i++) order[next[ids[i]]++] = i;
  upload(gpu, buffers.ids, ids);
  upload(gpu, buffers.order, order);
  upload(gpu, buffers.segments, segments);
  upload(gpu, buffers.first, first);
}

/**
 * Rows of a table, times `scale` (the embedding_multiplier of Granite and Falcon-H1): ids u32 [rows], table [V, D] → [rows, D].
 * @throws Error when the table does not have the vocabulary of the token buffers, or the scale is not a finite f32.
 */
export function embedding(tape: Tape, tokens: TokenBuffers, table: Tensor, scale = 1): Tensor {
  const { recorder, arena, gpu } = tape;
  const { ids, order, segments, first, vocabSize } = tokens;
  const rows = sizeOf(ids);
  const width = columnsOf(table);
  if (sizeOf(table) !== vocabSize * width) {
    throw new Error(`Embedding: a table [${table.shape}] does not fit a vocabulary of ${vocabSize}`);
  }
  const wide = isWide(width);
  const units = width / lengthOf(wide);
  const before = vector(wide);
  const scaled = `fn scaled(value: V) -> V { return value${times(scale)}; }\n`;
  const y = tape.alloc([rows, width], "embedding");
  recorder.dispatch({
    kernel: "embedding/forward",
    constants: { UNITS: units },
    before: before + scaled,
    bindings: [ids, table, y],
    params: [rows * units],
    groups: spread(Math.ceil((rows * units) / 256)),
    label: "embedding",
  });
  tape.push({
    outputs: [y],
    backward: () => {
      const most = mostSegments(rows, vocabSize);
      const partial = arena.alloc([most, width], "embedding parts");
      recorder.dispatch({
        kernel: "embedding/segments",
        constants: { UNITS: units, VOCAB: vocabSize },
        before: before + scaled,
        bindings: [tape.incoming(y), order, segments, first, partial],
        groups: spread(Math.ceil((most * units) / 256)),
        label: "embedding dy by segment",
      });
      const { gradient, accumulate } = tape.gradientOf(table);
      // A frequent id has hundreds of segments: on a GPU eight invocations share them, in software a barrier costs more.
      const [lanes, slices] = gpu.info.software ? [64, 1] : [32, 8];
      recorder.dispatch({
        kernel: "embedding/table",
        constants: { UNITS: units, LANES: lanes, SLICES: slices, ACCUMULATE: accumulate },
        before,
        bindings: [first, partial, gradient],
        params: [vocabSize],
        groups: spread(Math.ceil((vocabSize * units) / lanes)),
        label: "embedding dW",
      });
      arena.release(partial);
    },
  });
  return y;
}
