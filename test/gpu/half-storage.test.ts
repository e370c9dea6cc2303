import { describe, expect, it } from "vitest";
import { inHalves } from "../../src/gpu/half-storage.js";

const declared = (name: string, element: string, access = "read") =>
  `@group(0) @binding(1) var<storage, ${access}> ${name}: array<${element}>;\n`;
const body = (text: string) => text.slice(text.lastIndexOf(">;") + 3);

describe("a kernel over buffers of halves", () => {
  it("declares them so, with f16 enabled before all else", () => {
    expect(inHalves(declared("x", "vec4f"), [1])).toBe(`enable f16;\n${declared("x", "vec4h")}`);
    expect(inHalves(declared("x", "f32"), [1])).toContain("array<f16>");
    expect(inHalves(declared("x", "vec2f"), [1])).toContain("array<vec2h>");
    expect(inHalves(`alias V = vec4f;\n${declared("x", "V")}`, [1])).toContain("array<vec4h>");
    expect(inHalves(`alias V = f32;\n${declared("x", "V")}`, [1])).toContain("array<f16>");
  });

  it("makes f32 of what it reads", () => {
    const text = inHalves(`${declared("x", "vec4f")}let a = x[i] + x[at(j)].w * x[k[0]][2];`, [1]);
    expect(body(text)).toBe("let a = vec4f(x[i]) + vec4f(x[at(j)]).w * vec4f(x[k[0]])[2];");
  });

  it("makes f16 of what it writes, whole expressions at once", () => {
    const text = inHalves(`${declared("y", "f32", "read_write")}y[i] = a * (b + y[i + 1u]); y[j] += c - d;`, [1]);
    expect(body(text)).toBe("y[i] = f16(a * (b + f32(y[i + 1u]))); y[j] = f16(f32(y[j]) + (c - d));");
  });

  it("takes comparisons for reads", () => {
    expect(body(inHalves(`${declared("x", "f32")}if (x[i] == 0.0) {}`, [1]))).toBe("if (f32(x[i]) == 0.0) {}");
  });

  it("leaves other names, members and comments alone", () => {
    const rest = "let a = max[i] + cell.x[j] + ax[k];";
    expect(body(inHalves(`${declared("x", "f32")}${rest} // x[0]`, [1]))).toBe(`${rest} `);
  });

  it("leaves what a kernel declares in halves by itself to it", () => {
    const own = `${declared("x", "vec4u")}let a = x[0];`;
    expect(inHalves(own, [1])).toBe(`enable f16;\n${own}`);
  });

  it("refuses what it can't rewrite, saying what", () => {
    expect(() => inHalves(declared("x", "u32"), [1])).toThrow("Binding 1 is no array of f32, vec2f or vec4f");
    expect(() => inHalves(`${declared("x", "f32")}f(&x);`, [1])).toThrow("takes the address of x");
    expect(() => inHalves(`${declared("x", "f32")}fn f() { let x = vec4f(); g(x[0]); }`, [1])).toThrow(
      "has a variable x beside the buffer",
    );
  });
});
