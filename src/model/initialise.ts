import type { ModelConfig } from "../config/types.js";
import { Rng } from "../data/rng.js";
import type { Parameters, Placed } from "./parameters.js";

/**
 * Initial weights, flat, from the seed alone: the same on every adapter. Each weight has its own random stream (by name),
 * so that models which share a layer share its start.
 *
 * Projections: normal with variance 1/(3·fan_in), that of PyTorch's `nn.Linear`; those that write to the residual stream
 * are divided by √(2·layers) (GPT-2), so that depth does not scale the stream. Embedding: normal, 0.02.
 * Mamba-2 (design §4, training_setup.md): A uniform in aRange, dt log-uniform in dtRange through the inverse of softplus,
 * D = 1, convolution uniform in ±1/√width with zero bias.
 */
export function initialValues(parameters: Parameters, seed: number): Float32Array {
  const values = new Float32Array(parameters.size);
  for (const placed of parameters.table) {
    const draw = initialiser(placed, parameters.config, new Rng(seed, `init ${placed.name}`));
    for (let i = 0; i < placed.size; i++) values[placed.offset + i] = draw();
  }
  return values;
}

function initialiser({ name, shape }: Placed, config: ModelConfig, rng: Rng): () => number {
  if (name.endsWith("embed_tokens.weight") || name === "lm_head.weight") return () => rng.normal(0, 0.02);
  if (name.endsWith("norm.weight") || name.endsWith(".D")) return () => 1;
  if (name.endsWith("conv1d.bias")) return () => 0;
  if (name.endsWith("conv1d.weight")) {
    const bound = 1 / Math.sqrt(shape[2]);
    return () => rng.uniform(-bound, bound);
  }
  if (name.endsWith("A_log")) {
    const [least, most] = config.ssm!.aRange;
    return () => Math.log(rng.uniform(least, most));
  }
  if (name.endsWith("dt_bias")) {
    const [least, most] = config.ssm!.dtRange.map(Math.log);
    // softplus(bias) = dt; a floor keeps log(-expm1(-dt)) away from -Infinity.
    return () => {
      const dt = Math.max(1e-4, Math.exp(rng.uniform(least, most)));
      return dt + Math.log(-Math.expm1(-dt));
    };
  }
  if (shape.length !== 2) throw new Error(`No rule says how ${name} is initialised`);
  const residual = /\.(o_proj|out_proj|down_proj)\.weight$/.test(name);
  const std = 1 / Math.sqrt(3 * shape[1]) / (residual ? Math.sqrt(2 * config.pattern.length) : 1);
  return () => rng.normal(0, std);
}
