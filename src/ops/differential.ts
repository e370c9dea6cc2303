import { columnsOf, type Tensor } from "../gpu/tensor.js";
import { combineColumns } from "./combine.js";
import type { Tape } from "./tape.js";

/**
 * o₁ - λ · o₂, or o₁ + λ · o₂ (the "Add" row of arXiv:2510.04800, Table 18), of the first and the second half of the columns
 * of o [..., 2W]: of the heads of differential attention, weighted by their first and their second softmax (arXiv:2410.05258,
 * equation 1). lambda [1] → [..., W]. `groupNorm` by heads comes next, with the factor 1 - λ_init.
 * @throws Error when o has an odd number of columns, or λ more than one element.
 */
export function differential(
  tape: Tape,
  o: Tensor,
  lambda: Tensor,
  { fusion }: { fusion: "subtract" | "add" },
): Tensor {
  const width = columnsOf(o) / 2;
  if (!Number.isInteger(width)) throw new Error(`Differential: [${o.shape}] does not split into two halves`);
  const [first, second] = [0, width].map((column) => ({ source: o, column }));
  return combineColumns(tape, first, second, { fusion, scale: { kind: "scalar", lambda }, width });
}
