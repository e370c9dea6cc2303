import type { Rng } from "../data/rng.js";

export interface SamplingOptions {
  /** 0 takes the likeliest token; 1 samples from the model's own distribution. */
  temperature?: number;
  /** Only the k likeliest tokens; all by default. */
  topK?: number;
  /** Only the likeliest tokens that together have this probability; 1 by default. */
  topP?: number;
}

/** @throws Error naming the option that makes no sense. */
export function checkSampling({ temperature = 1, topK, topP = 1 }: SamplingOptions): void {
  if (!(temperature >= 0)) throw new Error(`temperature is ${temperature}; it must be 0 or more.`);
  if (topK !== undefined && !(Number.isInteger(topK) && topK > 0))
    throw new Error(`topK is ${topK}; it must be a whole number above 0.`);
  if (!(topP > 0 && topP <= 1)) throw new Error(`topP is ${topP}; it must be above 0 and at most 1.`);
}

/** Draws the next token from logits [V]. */
export function sample(logits: Float32Array, rng: Rng, { temperature = 1, topK, topP = 1 }: SamplingOptions): number {
  const order = Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
  if (temperature === 0) return order[0];
  const kept = order.slice(0, topK);
  const weights = kept.map((id) => Math.exp((logits[id] - logits[order[0]]) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let count = 0;
  let mass = 0;
  while (count < kept.length && mass < topP * total) mass += weights[count++];
  let target = rng.uniform() * mass;
  for (let i = 0; i < count; i++) {
    target -= weights[i];
    if (target < 0) return kept[i];
  }
  return kept[count - 1];
}
