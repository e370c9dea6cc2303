/** Llama 3's stretching of the slow turns, so that a model trained on short contexts reads long ones. */
export interface RopeScaling {
  /** By how much the slowest turns are slowed down. */
  factor: number;
  /** Pairs that turn less often than this within the original context are slowed down by the whole factor. */
  lowFrequency: number;
  /** Pairs that turn more often than this within the original context stay as they are. */
  highFrequency: number;
  /** Tokens of the context the model was first trained on. */
  originalContext: number;
}

/** Rotary position embedding of one layer. */
export interface Rope {
  theta: number;
  /** Only the first `dim` elements of a head turn (a multiple of 4); all by default. */
  dim?: number;
  scaling?: RopeScaling;
}

/** @throws Error when the rotation does not fit heads of `headDim` elements, or its numbers make no sense. */
export function checkRope({ theta, dim, scaling }: Rope, headDim: number): void {
  if (!(theta > 0)) throw new Error(`rope.theta must be positive, not ${theta}.`);
  if (dim !== undefined && !(dim % 4 === 0 && dim >= 4 && dim <= headDim)) {
    throw new Error(`rope.dim must be a multiple of 4 up to headDim (${headDim}), not ${dim}.`);
  }
  if (!scaling) return;
  const { factor, lowFrequency, highFrequency, originalContext } = scaling;
  if (!(factor > 0 && originalContext > 0 && lowFrequency > 0 && highFrequency > lowFrequency)) {
    throw new Error(
      `rope.scaling takes a positive factor and originalContext, and 0 < lowFrequency < highFrequency, not ${factor}, ${originalContext}, ${lowFrequency} and ${highFrequency}.`,
    );
  }
}

/**
 * How far each pair of elements turns from one token to the next, in radians [dim / 2]: theta^(-2i/dim) for pair i (Su et al.,
 * arXiv:2104.09864, Eq. 15), and with `scaling` that of Llama 3.1: what turns fewer than lowFrequency times within the original context
 * is slowed down by the factor, what turns more than highFrequency times is kept, and between them goes a straight line.
 */
export function ropeFrequencies({ theta, scaling }: Rope, dim: number): number[] {
  const half = dim / 2;
  return Array.from({ length: half }, (_, i) => {
    const frequency = theta ** (-i / half);
    if (!scaling) return frequency;
    const { factor, lowFrequency, highFrequency, originalContext } = scaling;
    const turns = (originalContext * frequency) / (2 * Math.PI);
    const kept = Math.min(1, Math.max(0, (turns - lowFrequency) / (highFrequency - lowFrequency)));
    return (1 - kept) * (frequency / factor) + kept * frequency;
  });
}
