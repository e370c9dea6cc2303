import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.js";
import { diffllama } from "../../src/model/families/diffllama.js";
import { Fields, type Json } from "../../src/model/families/fields.js";
import { folderOf } from "./fixtures.js";

const jsonOf = (n: number): Json => JSON.parse(readFileSync(`${folderOf(`diffllama-${n}`)}/config.json`, "utf8"));
const read = (json: Json) => diffllama.config(new Fields(json, "config.json"));

describe("DiffLlama's config.json", () => {
  it.each([1, 2])("of fixture %i is written so that it reads as the same config", (n) => {
    const config = read(jsonOf(n));
    expect(config.pattern).toMatch(/^D+$/);
    expect(read(diffllama.json(config))).toEqual(config);
  });

  it("has as many key-value heads as heads where it does not say, and refuses what the blocks have not", () => {
    const { num_key_value_heads, ...json } = jsonOf(1);
    expect(read(json).attention!.kvHeads).toBe(json.num_attention_heads);
    expect(() => read({ ...json, attention_bias: true })).toThrow("config.json: attention_bias is true");
    expect(() => read({ ...json, num_key_value_heads: 1 })).toThrow("attention.kvHeads: 1, but D pairs heads");
  });

  it("cannot express other models, and says which field is in the way", () => {
    const config = read(jsonOf(1));
    const json = (change: object) => () => diffllama.json(parseConfig({ ...config, ...change }));
    expect(json({ pattern: "DDT" })).toThrow("pattern: layer 3 is T (full attention), which a diffllama model cannot");
    expect(json({ differential: { fusion: "add" } })).toThrow('differential.fusion: "add"');
    expect(json({ attention: { ...config.attention, rope: null } })).toThrow("attention.rope: null");
    expect(json({ attention: { ...config.attention, rope: { theta: 10, dim: 2 } } })).toThrow("attention.rope.dim: 2");
  });
});

describe("DiffLlama's values", () => {
  it("stand first halves before second halves, where braid keeps the halves of a pair of heads together", () => {
    const config = read({ ...jsonOf(1), num_attention_heads: 4, num_key_value_heads: 4, head_dim: 4 });
    const name = "model.layers.0.self_attn.v_proj.weight";
    const mapping = diffllama.mappings(config).find(({ ours }) => ours[0] === name)!;
    // One column; heads 0, 1 are first halves, 2, 3 the second halves of the same pairs.
    const theirs = { shape: [16, 1], values: Float32Array.from({ length: 16 }, (_, row) => Math.floor(row / 4)) };
    const [ours] = mapping.read([theirs]);
    expect([...ours.values]).toEqual([0, 2, 1, 3].flatMap((head) => new Array(4).fill(head)));
    expect(mapping.write([ours])).toEqual([theirs]);
  });
});
