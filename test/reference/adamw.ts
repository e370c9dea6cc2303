export interface AdamW {
  parameters: Float64Array;
  first: Float64Array;
  second: Float64Array;
}

export interface Hyperparameters {
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  clip: number;
}

/** Step t (from 1) of AdamW after clipping by the global norm, in place; float64, as Algorithm 2 of arXiv:1711.05101 has it. */
export function adamW(
  { parameters, first, second }: AdamW,
  gradients: ArrayLike<number>,
  decayed: (index: number) => boolean,
  t: number,
  { lr, beta1, beta2, eps, weightDecay, clip }: Hyperparameters,
): void {
  let squares = 0;
  for (let i = 0; i < parameters.length; i++) squares += gradients[i] ** 2;
  const scale = clip > 0 ? Math.min(1, clip / (Math.sqrt(squares) + 1e-6)) : 1;
  for (let i = 0; i < parameters.length; i++) {
    const g = gradients[i] * scale;
    first[i] = beta1 * first[i] + (1 - beta1) * g;
    second[i] = beta2 * second[i] + (1 - beta2) * g ** 2;
    const mean = first[i] / (1 - beta1 ** t);
    const variance = second[i] / (1 - beta2 ** t);
    parameters[i] -= lr * (mean / (Math.sqrt(variance) + eps) + (decayed(i) ? weightDecay * parameters[i] : 0));
  }
}
