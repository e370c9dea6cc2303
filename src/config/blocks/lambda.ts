/** The learned λ of differential blocks. */

import type { ParameterSpec } from "./block.js";
import { drawn, normal } from "./weights.js";

/** The names of the vectors that make a λ (arXiv:2410.05258, equation 2), in the order of memory. */
const lambdaNames = ["lambda_q1", "lambda_k1", "lambda_q2", "lambda_k2"] as const;

/** Deviation 0.1, as in Differential Transformer (its Section 2.1): λ then begins near λ_init. */
const DEVIATION = 0.1;

/** The vectors [dim] of one λ, below `prefix`; without decay, which would pull λ back to λ_init. */
export const lambdaParameters = (prefix: string, dim: number): ParameterSpec[] =>
  lambdaNames.map((name) => drawn(`${prefix}.${name}`, [dim], normal(DEVIATION), false));
