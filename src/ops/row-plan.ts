import type { Gpu } from "../gpu/gpu.js";

/**
 * How the rows of a matrix, or equal parts of them `units` vectors long, are shared out. On a GPU several invocations read a part
 * side by side, mostly four vectors each at most, which stay in registers; and about a thousand workgroups keep the memory busy.
 * In software an invocation takes whole parts, without a barrier.
 */
export interface RowPlan {
  /** Invocations that share a row. */
  lanes: number;
  /** Rows that a workgroup has in hand at a time. */
  slots: number;
  /** Rows a workgroup goes through where it sums over rows. */
  per: number;
}

export function planRows(gpu: Gpu, rows: number, units: number): RowPlan {
  if (gpu.info.software) return { lanes: 1, slots: 16, per: 128 };
  const lanes = units <= 64 ? 16 : units <= 128 ? 32 : 64;
  const slots = 256 / lanes;
  return { lanes, slots, per: Math.ceil(rows / 1024 / slots) * slots };
}
