/**
 * WGSL for kernels written over `V`, which is vec4f where rows are a multiple of 4 long and f32 where they are not:
 * the same text then reads 16 bytes at a time wherever it can.
 */
export const vector = (wide: boolean): string => (wide ? wideText : narrowText) + sigmoidText;

/** Elements in a `V`. */
export const lengthOf = (wide: boolean): number => (wide ? 4 : 1);

export const isWide = (...columns: number[]): boolean => columns.every((column) => column % 4 === 0);

const wideText = `alias V = vec4f;
fn total(v: V) -> f32 { return dot(v, vec4f(1.0)); }
fn largest(v: V) -> f32 { return max(max(v.x, v.y), max(v.z, v.w)); }
/* The V of a row that element i is in. */
fn place(i: u32) -> u32 { return i / 4u; }
/* 1 in the place of element i of a row whose V number j this is, else 0. */
fn hot(j: u32, i: u32) -> V { return select(vec4f(), vec4f(1.0), vec4u(4u * j) + vec4u(0u, 1u, 2u, 3u) == vec4u(i)); }
`;
const narrowText = `alias V = f32;
fn total(v: V) -> f32 { return v; }
fn largest(v: V) -> f32 { return v; }
fn place(i: u32) -> u32 { return i; }
fn hot(j: u32, i: u32) -> V { return select(0.0, 1.0, j == i); }
`;
/* Exponentiates non-positive numbers only. */
const sigmoidText = `fn sigmoid(z: V) -> V {
  let e = exp(-abs(z));
  return select(e, V(1.0), z >= V(0.0)) / (V(1.0) + e);
}
`;

/** `sigmoid(f32)` for kernels that are not written over `V`. */
export const scalarSigmoid = `alias V = f32;\n${sigmoidText}`;
