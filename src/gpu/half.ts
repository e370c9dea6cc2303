/**
 * 16-bit floats in checkpoints and on the GPU: F16 (IEEE 754 binary16: 5 bits of exponent, 10 of fraction) and BF16 (the upper
 * half of a binary32). JavaScript has no type for either in Node 20, so both are Uint16Arrays of bits here.
 */

/** F16 bits of each value: round to nearest, ties to even; from 65520 on infinity; NaN stays NaN. */
export function toF16(values: Float32Array): Uint16Array {
  const words = wordsOf(values);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const sign = (words[i] >>> 16) & 0x8000;
    const size = words[i] & 0x7fffffff;
    if (size < 0x38800000) {
      // Below 2^-14 halves are multiples of 2^-24. That is the last bit of 0.5, so adding 0.5 lets the hardware round.
      float[0] = Math.abs(values[i]) + 0.5;
      halves[i] = sign | (word[0] - 0x3f000000);
    } else if (size < 0x477ff000) {
      // Dropping 13 bits of the fraction may carry into the exponent, which is right.
      halves[i] = sign | ((size - 0x38000000 + 0x0fff + ((size >>> 13) & 1)) >>> 13);
    } else {
      // 65520 (0x477ff000) lies halfway between the largest half and the next that there would be. A NaN is made a quiet
      // one, so that it can't turn into infinity when its lower bits are dropped.
      halves[i] = sign | (size > 0x7f800000 ? 0x7e00 | ((size >>> 13) & 0x1ff) : 0x7c00);
    }
  }
  return halves;
}
const float = new Float32Array(1);
const word = wordsOf(float);

/** BF16 bits of each value: round to nearest, ties to even; NaN stays NaN. */
export function toBF16(values: Float32Array): Uint16Array {
  const words = wordsOf(values);
  const bits = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const nan = (words[i] & 0x7fffffff) > 0x7f800000;
    bits[i] = nan ? (words[i] >>> 16) | 0x40 : (words[i] + 0x7fff + ((words[i] >>> 16) & 1)) >>> 16;
  }
  return bits;
}

function wordsOf({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}

/** The values that F16 bits stand for; all are exact in float32. */
export function fromF16(bits: Uint16Array): Float32Array {
  halfValues ??= Float32Array.from({ length: 2 ** 16 }, (_, half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0x1f) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return exponent ? sign * (1 + fraction / 1024) * 2 ** (exponent - 15) : (sign * fraction) / 2 ** 24;
  });
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = halfValues[bits[i]];
  return values;
}
/** The value of each of the 65,536 halves: reading a model looks up billions. */
let halfValues: Float32Array | undefined;

/** The values that BF16 bits stand for; all are exact in float32. */
export function fromBF16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i] << 16;
  return new Float32Array(words.buffer);
}
