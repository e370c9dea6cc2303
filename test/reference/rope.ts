/** Rotary position embedding in float64, from the definitions. */
export interface ReferenceRope {
  theta: number;
  dim?: number;
  scaling?: { factor: number; lowFrequency: number; highFrequency: number; originalContext: number };
}

/** What pair i of `dim` elements turns by from one token to the next, in Llama 3.1's words: by wavelengths, case by case. */
function referenceFrequency({ theta, scaling }: ReferenceRope, dim: number, i: number): number {
  const plain = 1 / theta ** ((2 * i) / dim);
  if (!scaling) return plain;
  const { factor, lowFrequency, highFrequency, originalContext } = scaling;
  const wavelength = (2 * Math.PI) / plain;
  if (wavelength > originalContext / lowFrequency) return plain / factor;
  if (wavelength < originalContext / highFrequency) return plain;
  const smooth = (originalContext / wavelength - lowFrequency) / (highFrequency - lowFrequency);
  return ((1 - smooth) * plain) / factor + smooth * plain;
}

/** Turns one head at `position` as Llama does: of the first `dim` elements, (x_i, x_{i+dim/2}) as a complex number times e^{i·angle}. */
export function turned(head: Float64Array, position: number, rope: ReferenceRope): Float64Array {
  const dim = rope.dim ?? head.length;
  const half = dim / 2;
  return head.map((value, i) => {
    if (i >= dim) return value;
    const angle = position * referenceFrequency(rope, dim, i % half);
    const [re, im] = [head[i % half], head[(i % half) + half]];
    return i < half ? re * Math.cos(angle) - im * Math.sin(angle) : re * Math.sin(angle) + im * Math.cos(angle);
  });
}
