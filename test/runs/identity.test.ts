import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, digest, runId } from "../../src/runs/identity.js";
import { fakeSpec } from "./fake.js";

describe("canonicalJson", () => {
  test("sorts keys at every depth and leaves undefined out", () => {
    expect(canonicalJson({ b: [{ d: 1, c: null }], a: undefined, A: "x" })).toBe('{"A":"x","b":[{"c":null,"d":1}]}');
  });

  test("writes one number in one way", () => {
    expect(canonicalJson([3e-3, 0.003, -0, 1.0, 16777216, 1e21])).toBe("[0.003,0.003,0,1,16777216,1e+21]");
  });

  test("names the path of a value without a JSON form", () => {
    expect(() => canonicalJson({ spec: { lr: [1, Number.NaN] } })).toThrow("value.spec.lr[1] is NaN");
    expect(() => canonicalJson({ f: () => 1 })).toThrow("value.f is a function");
  });

  test("reads back as the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(canonicalJson(value)))).toBe(canonicalJson(value));
      }),
    );
  });
});

describe("runId", () => {
  test("is sixteen hexadecimal digits that stay the same from release to release", () => {
    expect(runId(fakeSpec(), 1)).toMatch(/^[0-9a-f]{16}$/);
    expect(runId(fakeSpec(), 1)).toBe("d095e03d5087c44c");
  });

  test("does not depend on the order of keys", () => {
    const spec = fakeSpec();
    const reversed = Object.fromEntries(Object.entries(spec).reverse()) as unknown as typeof spec;
    expect(runId(reversed)).toBe(runId(spec));
  });

  test("differs when anything that decides the outcome differs", () => {
    const spec = fakeSpec();
    const others = [
      { ...spec, seed: 1 },
      { ...spec, tokens: 8192 },
      { ...spec, config: { ...spec.config, pattern: "TT" } },
      { ...spec, data: { ...spec.data, sha256: "01" } },
      { ...spec, optimizer: { ...spec.optimizer, lr: 1e-3 } },
    ];
    const ids = [runId(spec), ...others.map((other) => runId(other)), runId(spec, 99)];
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("hashes with SHA-256", () => {
    expect(digest("abc")).toBe("6cc43f858fbb763301637b5af970e2a46b46f461f27e5a0f41e009c59b827b25");
  });
});
