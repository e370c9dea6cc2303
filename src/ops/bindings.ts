import type { Tensor } from "../gpu/tensor.js";

/** A storage buffer that a kernel's generated text declares itself. */
export interface Bound {
  name: string;
  tensor: Tensor;
  /** Element: `V` (src/ops/vector.ts) by default. */
  element?: "V" | "f32" | "vec4f";
  /** Bound for writing; for reading alone by default. */
  write?: boolean;
}

/** WGSL that declares the buffers of `bound` at binding `first` and those after it, in order. */
export function declare(first: number, bound: Bound[]): string {
  return bound
    .map(({ name, element = "V", write = false }, i) => {
      const access = write ? "read_write" : "read";
      return `@group(0) @binding(${first + i}) var<storage, ${access}> ${name}: array<${element}>;\n`;
    })
    .join("");
}
