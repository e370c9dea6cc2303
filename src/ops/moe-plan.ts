import { kernels } from "../gpu/kernels.generated.js";
import { spread } from "../gpu/recorder.js";
import { columnsOf, rowsOf, type Tensor } from "../gpu/tensor.js";
import type { Tape } from "./tape.js";

/**
 * Where each of the A = R·K assignments (token, expert) lies when they are sorted by expert and, within one, by token: at its
 * slot. Experts take as many as chose them: no capacity, none dropped. Everything but the sizes is data on the GPU.
 */
export interface ExpertPlan {
  rows: number;
  topK: number;
  experts: number;
  /** u32 [A]: the assignment (token · K + k) at each slot. */
  order: Tensor;
  /** u32 [A]: the slot of each assignment. */
  slots: Tensor;
  /** u32 [E]: assignments of each expert. In training it belongs to the arena until `balance` releases it. */
  counts: Tensor;
  /**
   * u32 [tiles + E + chunks, 4]: expert, first slot and end of each tile of `height` slots of one expert; of each expert's
   * segment; and of each chunk of `chunk` slots of one expert. There are at most `tiles` and `chunks`; an unused entry has expert E.
   */
  lists: Tensor;
  tiles: number;
  height: number;
  chunks: number;
  chunk: number;
}

/** Assignments of one workgroup of the sort; as many at most are sorted in one dispatch instead of three. */
const block = 256;

/**
 * Sorts the assignments choice u32 [R, K] by expert, by a stable counting sort: the same order every time.
 * Chunks, which the gradients of weights need, are cut in training on GPUs alone.
 */
export function expertPlan(tape: Tape, choice: Tensor, experts: number): ExpertPlan {
  const { recorder, arena, gpu, training } = tape;
  const [rows, topK] = [rowsOf(choice), columnsOf(choice)];
  const count = rows * topK;
  const blocks = Math.ceil(count / block);
  // Tall tiles where an expert can expect to fill them.
  const height = gpu.info.software ? 8 : count >= 128 * experts ? 128 : 64;
  // A weight gradient sums over tens of thousands of slots for few results: chunks of them are summed side by side.
  const chunk = Math.min(1024, Math.max(256, Math.ceil(count / 1024) * 16));
  /** Pieces of at most `length` slots in segments of any lengths. */
  const most = (length: number) => Math.floor((count + Math.min(experts, count) * (length - 1)) / length);
  const tiles = most(height);
  const chunks = training && !gpu.info.software ? most(chunk) : 0;
  const order = tape.alloc([count], "assignments by expert");
  const slots = tape.alloc([count], "slots of assignments");
  const lists = tape.alloc([tiles + experts + chunks, 4], "tiles of experts");
  const counts = (training ? arena : tape).alloc([experts], "loads of experts");
  const before = kernels["moe/lists"];
  const constants = { EXPERTS: experts };
  const params = [count, blocks, tiles, height, chunks, chunk];
  if (blocks === 1) {
    const bindings = [choice, counts, lists, order, slots];
    recorder.dispatch({ kernel: "moe/sort", constants, before, bindings, params, groups: [1], label: "expert order" });
  } else {
    const histogram = arena.alloc([experts * blocks], "loads by block");
    const groups = spread(blocks);
    recorder.dispatch({
      kernel: "moe/count",
      constants,
      bindings: [choice, histogram],
      params: [count, blocks],
      groups,
      label: "expert loads",
    });
    const bindings = [histogram, counts, lists];
    recorder.dispatch({
      kernel: "moe/scan",
      constants,
      before,
      bindings,
      params,
      groups: [1],
      label: "expert segments",
    });
    recorder.dispatch({
      kernel: "moe/scatter",
      bindings: [choice, histogram, order, slots],
      params: [count, blocks],
      groups,
      label: "expert order",
    });
    arena.release(histogram);
  }
  // Recorded before its readers, so its turn in the backward pass comes after theirs, and frees it. Never computed again: it is small.
  tape.push({ outputs: [order, slots, lists] });
  return { rows, topK, experts, order, slots, counts, lists, tiles, height, chunks, chunk };
}
