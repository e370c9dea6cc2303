import { type ColumnTable, from } from "arquero";
import type { Gpu } from "../gpu/gpu.js";
import type { Parameters } from "../model/parameters.js";
import { observe } from "./look.js";

/**
 * α of the hybrid layers that learn one (`hybrid.scale: "alpha"`, Appendix Q of the paper): the share of Mamba-2 in
 * α · Mamba-2 + (1 - α) · attention, for each token and head.
 *
 * @returns columns layer, token (position, from 0), head, alpha (0 to 1)
 * @throws Error when no layer has an α, or a token is not in the vocabulary
 */
export async function alphas(gpu: Gpu, parameters: Parameters, ids: ArrayLike<number>): Promise<ColumnTable> {
  const shown = await observe(gpu, parameters, ids, (name) => name === "alpha");
  if (shown.length === 0) {
    throw new Error(`No layer of the pattern ${parameters.config.pattern} has an α: hybrid.scale "alpha" gives H one.`);
  }
  const rows = shown.flatMap(({ layer, shape, values }) => {
    const heads = shape[shape.length - 1];
    return Array.from(values, (alpha, i) => ({ layer, token: Math.floor(i / heads), head: i % heads, alpha }));
  });
  return from(rows);
}
