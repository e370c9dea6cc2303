import type { Tensor } from "../gpu/tensor.js";
import { gated } from "./activation.js";
import type { Tape } from "./tape.js";

/**
 * silu(gate) · up (Shazeer 2020, arXiv:2002.05202): gateUp [..., 2F] = [gate | up] → [..., F].
 * @throws Error when gateUp has an odd number of columns.
 */
export const swiglu = (tape: Tape, gateUp: Tensor): Tensor => gated(tape, gateUp, "silu");
