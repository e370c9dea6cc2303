/**
 * The project's only source of randomness: weight initialisation, batch order, the synthetic language, sampling.
 *
 * The generator is xoshiro128** (Blackman and Vigna, 2018): four 32-bit words of state, period 2^128 - 1, made of 32-bit
 * integer operations alone, so that every JavaScript engine gives the same numbers. Its state is filled by SplitMix32
 * from (seed, label): the label is hashed in, so that `new Rng(0, "init")` and `new Rng(0, "batches")` are unrelated
 * streams and a caller never has to invent seed offsets.
 */

/** One avalanche step over 32 bits (the finaliser of MurmurHash3): every input bit reaches every output bit. */
export function mix32(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** A 32-bit hash of a seed and a label (UTF-16 code units, FNV-1a, then mixed). Not cryptographic. */
function hash32(seed: number, label = ""): number {
  let h = mix32((seed >>> 0) ^ 0x9e3779b9) ^ mix32(Math.floor(seed / 2 ** 32) ^ 0x7f4a7c15);
  for (let i = 0; i < label.length; i++) h = Math.imul(h ^ label.charCodeAt(i), 0x01000193);
  return mix32(h);
}

/** A seeded random number generator; see the top of the file. */
export class Rng {
  private a: number;
  private b: number;
  private c: number;
  private d: number;
  private spare: number | undefined;

  /**
   * @param seed any integer from 0 to 2^53 - 1
   * @param label names the stream; the same seed with another label is unrelated
   * @throws Error when the seed is not such an integer
   */
  constructor(seed: number, label = "") {
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new Error(`seed must be an integer from 0 to 2^53 - 1, got ${seed}`);
    }
    // Two hashes of (seed, label) start the SplitMix32 sequence, so that 32-bit collisions do not merge streams.
    let x = hash32(seed, label);
    const y = hash32(seed, `${label}\u0001`);
    const next = () => {
      x = (x + 0x9e3779b9) >>> 0;
      return mix32(x ^ y) ^ mix32(y + x);
    };
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next() | 1; // the all-zero state is the one that xoshiro cannot leave
  }

  /** 32 random bits as an integer in [0, 2^32). */
  uint32(): number {
    const s1 = this.b;
    let r = Math.imul(s1, 5);
    r = Math.imul((r << 7) | (r >>> 25), 9);
    const t = s1 << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = (this.d << 11) | (this.d >>> 21);
    return r >>> 0;
  }

  /** A float64 uniform in [low, high), with 53 random bits. */
  uniform(low = 0, high = 1): number {
    const hi = this.uint32() >>> 5;
    const lo = this.uint32() >>> 6;
    return low + ((hi * 67108864 + lo) / 9007199254740992) * (high - low);
  }

  /**
   * A float64 normal deviate (polar method of Marsaglia; the second of each pair is kept for the next call).
   * Math.log and Math.sqrt are the only functions used, which V8 computes alike on every platform.
   */
  normal(mean = 0, std = 1): number {
    if (this.spare !== undefined) {
      const z = this.spare;
      this.spare = undefined;
      return mean + std * z;
    }
    for (;;) {
      const u = this.uniform(-1, 1);
      const v = this.uniform(-1, 1);
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const f = Math.sqrt((-2 * Math.log(s)) / s);
      this.spare = v * f;
      return mean + std * (u * f);
    }
  }

  /** An unbiased integer in [0, n). @throws Error unless n is an integer from 1 to 2^32 */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32)
      throw new Error(`below(n) needs an integer n from 1 to 2^32, got ${n}`);
    // Values of the last, incomplete block of n are drawn again: the modulo would favour small results.
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const x = this.uint32();
      if (x < limit) return x % n;
    }
  }

  /** Shuffles in place (Fisher-Yates) and returns the array. */
  shuffle<A extends { length: number; [index: number]: unknown }>(items: A): A {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const x = items[i];
      items[i] = items[j];
      items[j] = x;
    }
    return items;
  }
}
