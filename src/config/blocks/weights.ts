/**
 * The kinds of weights and how they start. Projections: normal with variance 1/(3·fan_in), that of PyTorch's `nn.Linear`;
 * those that write to the residual stream are divided by √(2·layers) (GPT-2), so that depth does not scale the stream.
 */

import type { ModelConfig } from "../types.js";
import type { ParameterSpec, Random } from "./block.js";

/** A projection [out, in], with decay. */
export const projection = (name: string, out: number, fanIn: number): ParameterSpec =>
  drawn(name, [out, fanIn], normal(1 / Math.sqrt(3 * fanIn)), true);

/** A projection whose result is added to the residual stream. */
export const residualProjection = (name: string, out: number, fanIn: number, config: ModelConfig): ParameterSpec =>
  drawn(name, [out, fanIn], normal(1 / Math.sqrt(3 * fanIn) / Math.sqrt(2 * [...config.pattern].length)), true);

/** A norm's weight, or anything else that starts as 1; without decay. */
export const ones = (name: string, length: number): ParameterSpec => drawn(name, [length], () => 1, false);

/** A bias, or anything else that starts as 0; without decay. */
export const zeros = (name: string, length: number): ParameterSpec => drawn(name, [length], () => 0, false);

export function drawn(name: string, shape: number[], initial: ParameterSpec["initial"], decay: boolean): ParameterSpec {
  return { name, shape, decay, initial };
}

export function normal(deviation: number): (random: Random) => number {
  return (random) => random.normal(0, deviation);
}

/** Log-uniform dt through the inverse of softplus; a floor keeps log(-expm1(-dt)) away from -Infinity (Mamba). */
export function dtBias([least, most]: readonly [number, number]): (random: Random) => number {
  return (random) => {
    const dt = Math.max(1e-4, Math.exp(random.uniform(Math.log(least), Math.log(most))));
    return dt + Math.log(-Math.expm1(-dt));
  };
}

/** The short convolution of the Mambas: weight [channels, 1, width] uniform in ±1/√width, bias 0. */
export function convolution(name: string, channels: number, width: number): ParameterSpec[] {
  const bound = 1 / Math.sqrt(width);
  return [
    // Decayed: the reference code exempts A_log, D and dt_bias by name and leaves this to the trainer's usual rule.
    drawn(`${name}.weight`, [channels, 1, width], (random) => random.uniform(-bound, bound), true),
    zeros(`${name}.bias`, channels),
  ];
}
