import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBF16, fromF16, toBF16, toF16 } from "../../src/gpu/half.js";
import {
  decodeSafetensors,
  encodeSafetensors,
  type FloatType,
  integersOf,
  readHeader,
  type StoredTensor,
} from "../../src/model/safetensors.js";

/** Every float32 is as likely as its bits. */
const anyFloat = fc.nat(2 ** 32 - 1).map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0]);

/** The non-negative values of a 16-bit float in order, straight from the definition; the last, which overflows, too. */
function magnitudes(exponentBits: number, fractionBits: number): number[] {
  const bias = 2 ** (exponentBits - 1) - 1;
  const steps = 2 ** fractionBits;
  return Array.from({ length: (2 ** exponentBits - 1) * steps + 1 }, (_, bits) => {
    const exponent = Math.floor(bits / steps);
    const fraction = (bits % steps) / steps;
    return exponent ? (1 + fraction) * 2 ** (exponent - bias) : fraction * 2 ** (1 - bias);
  });
}

/** The bits of the value nearest to `x`, of two equally near ones the even: by search, independent of the tricks in src. */
function nearest(x: number, sizes: number[], infinity: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (size >= sizes[infinity]) return sign | infinity;
  let [low, high] = [0, infinity];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sizes[middle] <= size) low = middle;
    else high = middle;
  }
  // Differences of neighbours are exact in float64.
  const [down, up] = [size - sizes[low], sizes[high] - size];
  return sign | (down < up || (down === up && low % 2 === 0) ? low : high);
}

const kinds = [
  { name: "F16", to: toF16, from: fromF16, infinity: 0x7c00, sizes: magnitudes(5, 10) },
  { name: "BF16", to: toBF16, from: fromBF16, infinity: 0x7f80, sizes: magnitudes(8, 7) },
] as const;

describe.each(kinds)("$name", ({ to, from, infinity, sizes }) => {
  const signless = (bits: number) => bits & 0x7fff;

  it("gives back the bits of every value that it has", () => {
    const all = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
    const values = from(all);
    const back = to(values);
    for (const bits of all) {
      if (signless(bits) <= infinity) {
        const value =
          (bits & 0x8000 ? -1 : 1) * (signless(bits) === infinity ? Number.POSITIVE_INFINITY : sizes[signless(bits)]);
        if (!Object.is(values[bits], value) || back[bits] !== bits)
          expect([bits, values[bits], back[bits]]).toBe(value);
      } else if (!Number.isNaN(values[bits]) || signless(back[bits]) <= infinity) {
        expect([bits, values[bits], back[bits]]).toBe("NaN");
      }
    }
  });

  it("rounds to the nearest value, and halfway cases to the even one", () => {
    fc.assert(
      fc.property(anyFloat, (x) => {
        const [bits] = to(Float32Array.of(x));
        if (Number.isNaN(x)) return signless(bits) > infinity;
        return bits === nearest(x, sizes, infinity);
      }),
      { numRuns: 5000 },
    );
    // Around each value: halfway to the next, and the float32s on both sides of that.
    const between = fc.tuple(fc.nat(infinity - 1), fc.constantFrom(-1, 0, 1), fc.constantFrom(-1, 1));
    fc.assert(
      fc.property(between, ([low, nudge, sign]) => {
        const x = Float32Array.of((sizes[low] + sizes[low + 1]) / 2);
        new Uint32Array(x.buffer)[0] += nudge;
        x[0] *= sign;
        return to(x)[0] === nearest(x[0], sizes, infinity);
      }),
      { numRuns: 5000 },
    );
  });

  it("keeps infinities, signed zeros and NaNs, even those whose upper bits are those of infinity", () => {
    expect([...to(Float32Array.of(0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY))]).toEqual([
      0,
      0x8000,
      infinity,
      0x8000 | infinity,
    ]);
    const nan = new Float32Array(Uint32Array.of(0x7f800001, 0xff800001).buffer);
    for (const bits of to(nan)) expect(signless(bits)).toBeGreaterThan(infinity);
  });
});

/** A file with this header and so many zero bytes of tensors. */
function fileOf(header: unknown, bytes: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + text.length + bytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  return file;
}
const entry = (dtype: string, shape: number[], begin: number, end: number) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe("a safetensors file", () => {
  const shape = fc.array(fc.nat(4), { maxLength: 3 });
  const tensor = shape.chain((sizes) => {
    const count = sizes.reduce((product, size) => product * size, 1);
    return fc
      .array(fc.float({ min: -1000, max: 1000 }), { minLength: count, maxLength: count })
      .map((values): StoredTensor => ({ shape: sizes, values: Float32Array.from(values) }));
  });
  // "" and "__proto__" are names like any other; __metadata__ is the format's own.
  const name = fc.oneof(fc.string(), fc.constant("__proto__")).filter((text) => text !== "__metadata__");
  const tensors = fc.array(fc.tuple(name, tensor), { maxLength: 6 }).map((pairs) => new Map(pairs));

  it("gives back names, shapes and values, rounded where the type is narrower", () => {
    const rounded: Record<FloatType, (values: Float32Array) => Float32Array> = {
      F32: (values) => values,
      F16: (values) => fromF16(toF16(values)),
      BF16: (values) => fromBF16(toBF16(values)),
    };
    fc.assert(
      fc.property(tensors, fc.constantFrom<FloatType>("F32", "F16", "BF16"), fc.nat(3), (map, dtype, shift) => {
        const encoded = encodeSafetensors(map, { note: "ä" }, dtype);
        // Wherever the bytes lie in memory.
        const file = new Uint8Array(encoded.length + shift).subarray(shift);
        file.set(encoded);
        const { tensors: back, metadata } = decodeSafetensors(file, "x");
        expect(metadata).toEqual({ format: "pt", note: "ä" });
        expect(new Set(back.keys())).toEqual(new Set(map.keys()));
        for (const [key, { shape: sizes, values }] of map) {
          expect(back.get(key)).toEqual({ shape: sizes, dtype, values: rounded[dtype](values) });
        }
      }),
    );
  });

  it("has its data at a multiple of 8 bytes, in the order of the tensors", () => {
    const file = encodeSafetensors(
      new Map([
        ["b", { shape: [2], values: Float32Array.of(1, 2) }],
        ["a", { shape: [], values: Float32Array.of(3) }],
      ]),
    );
    const { entries } = readHeader(file, file.length, "x");
    const begin = entries.get("b")!.begin;
    expect(begin % 8).toBe(0);
    expect([...entries.values()]).toEqual([
      { dtype: "F32", shape: [2], begin, end: begin + 8 },
      { dtype: "F32", shape: [], begin: begin + 8, end: begin + 12 },
    ]);
  });

  it("may hold float64, and integers, which are read on their own", () => {
    const file = fileOf(
      { x: entry("F64", [2], 0, 16), y: entry("I64", [3], 16, 40), z: entry("I32", [1], 40, 44) },
      44,
    );
    const data = new DataView(file.buffer, file.length - 44);
    data.setFloat64(0, 1 / 3, true);
    [7n, -(2n ** 31n), 2n ** 31n - 1n].forEach((value, i) => {
      data.setBigInt64(16 + 8 * i, value, true);
    });
    data.setInt32(40, -5, true);
    const { entries } = readHeader(file, file.length, "x");
    const bytes = (key: string) => file.subarray(entries.get(key)!.begin, entries.get(key)!.end);
    expect(integersOf(bytes("y"), "I64", "y")).toEqual(Int32Array.of(7, -(2 ** 31), 2 ** 31 - 1));
    expect(integersOf(bytes("z"), "I32", "z")).toEqual(Int32Array.of(-5));
    expect(() => integersOf(bytes("x"), "F64", "x")).toThrow("x is F64; integers are read as I64 or I32.");
    data.setBigInt64(16, 2n ** 31n, true);
    expect(() => integersOf(bytes("y"), "I64", "y")).toThrow("y has the value 2147483648, beyond 32 bits.");
    const floats = fileOf({ x: entry("F64", [1], 0, 8) }, 8);
    new DataView(floats.buffer, floats.length - 8).setFloat64(0, 1 / 3, true);
    expect(decodeSafetensors(floats, "f").tensors.get("x")!.values).toEqual(Float32Array.of(1 / 3));
  });

  it("is not written with values that the type can't hold, or with too few", () => {
    const one = (value: number) => new Map([["w", { shape: [2], values: Float32Array.of(1, value) }]]);
    expect(() => encodeSafetensors(one(65520), {}, "F16")).toThrow(
      "tensor w has the value 65520, which is too large for F16.",
    );
    expect(() => encodeSafetensors(one(-3.4028235e38), {}, "BF16")).toThrow("too large for BF16");
    expect(decodeSafetensors(encodeSafetensors(one(-65519), {}, "F16"), "x").tensors.get("w")!.values[1]).toBe(-65504);
    const infinite = encodeSafetensors(one(Number.POSITIVE_INFINITY), {}, "F16");
    expect(decodeSafetensors(infinite, "x").tensors.get("w")!.values[1]).toBe(Number.POSITIVE_INFINITY);
    expect(() => encodeSafetensors(new Map([["w", { shape: [3], values: new Float32Array(2) }]]))).toThrow(
      "tensor w is [3], but has 2 values.",
    );
  });
});

describe("a broken safetensors file is named with what is wrong:", () => {
  const broken: [string, Uint8Array, string][] = [
    ["no header", new Uint8Array(7), "f is no safetensors file, or its header is cut off."],
    [
      "a header longer than the file",
      fileOf({}, 0).subarray(0, 9),
      "f is no safetensors file, or its header is cut off.",
    ],
    ["a header length beyond any file", new Uint8Array(20).fill(255), "f is no safetensors file"],
    ["no JSON", fileOf("{x", 0), "f: the safetensors header is not JSON."],
    ["a list", fileOf("[]", 0), "f: the safetensors header is no JSON object."],
    [
      "metadata that are no strings",
      fileOf({ __metadata__: { step: 3 } }, 0),
      "f: __metadata__ of the safetensors header",
    ],
    ["an entry that is none", fileOf({ w: 3 }, 0), "f: the header's entry of tensor w lacks"],
    ["a negative size", fileOf({ w: entry("F32", [-1], 0, 4) }, 4), "f: the header's entry of tensor w lacks"],
    [
      "offsets in reverse",
      fileOf({ w: entry("F32", [1], 4, 0) }, 4),
      "f: tensor w [1] of F32 does not fill its -4 bytes.",
    ],
    ["too few bytes", fileOf({ w: entry("BF16", [3], 0, 4) }, 4), "f: tensor w [3] of BF16 does not fill its 4 bytes."],
    ["a tensor cut off", fileOf({ w: entry("F32", [2], 0, 8) }, 7), "f is cut off within tensor w."],
    [
      "an overlap",
      fileOf({ v: entry("F32", [2], 0, 8), w: entry("F32", [1], 4, 8) }, 8),
      "f: tensor w overlaps tensor v.",
    ],
    [
      "a gap",
      fileOf({ v: entry("F32", [1], 0, 4), w: entry("F32", [1], 8, 12) }, 12),
      "f: 4 bytes between tensor v and tensor w belong to none.",
    ],
    ["bytes too many", fileOf({ w: entry("F32", [1], 0, 4) }, 9), "f: the last 5 bytes belong to no tensor."],
    [
      "another type",
      fileOf({ w: entry("F8_E4M3", [4], 0, 4) }, 4),
      "f: tensor w is F8_E4M3; floats are read as F64, F32, F16 or BF16.",
    ],
    ["integers", fileOf({ w: entry("I64", [1], 0, 8) }, 8), "f: tensor w is I64; floats are read as"],
  ];
  it.each(broken)("%s", (_, file, message) => {
    expect(() => decodeSafetensors(file, "f")).toThrow(message);
  });
});
