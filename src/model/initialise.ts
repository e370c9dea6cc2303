import { Rng } from "../data/rng.js";
import type { Parameters } from "./parameters.js";

/**
 * Initial weights, flat, from the seed alone: the same on every adapter. Each weight has its own random stream (by name),
 * so that models which share a layer share its start. How each is drawn stands with the block that it belongs to
 * (`src/config/blocks`).
 */
export function initialValues(parameters: Parameters, seed: number): Float32Array {
  const values = new Float32Array(parameters.size);
  for (const { name, offset, size, initial } of parameters.table) {
    const rng = new Rng(seed, `init ${name}`);
    for (let i = 0; i < size; i++) values[offset + i] = initial(rng, i);
  }
  return values;
}
