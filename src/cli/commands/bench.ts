import type { Command } from "commander";
import { registerDecode } from "../bench/decode.js";
import { registerOps } from "../bench/ops.js";
import { registerTrain } from "../bench/train.js";

/** `braid bench`: how fast this machine is at what braid does. Results are checked before they are timed. */
export function register(program: Command): void {
  const bench = program
    .command("bench")
    .description("Measure training steps, kernels and decoding; exits with 1, without a time, when results are wrong");
  registerTrain(bench);
  registerOps(bench);
  registerDecode(bench);
}
