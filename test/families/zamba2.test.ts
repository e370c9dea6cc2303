import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.js";
import { Fields, type Json } from "../../src/model/families/fields.js";
import { tensorsOf, weightsFrom } from "../../src/model/families/weights.js";
import { zamba2 } from "../../src/model/families/zamba2.js";
import { loadModel } from "../../src/model/folder.node.js";
import { folderOf } from "./fixtures.js";

const jsonOf = (n: number): Json => JSON.parse(readFileSync(`${folderOf(`zamba2-${n}`)}/config.json`, "utf8"));
const read = (json: Json) => zamba2.config(new Fields(json, "config.json"));

describe("Zamba2's config.json", () => {
  it.each([1, 2, 3])("of fixture %i is written so that it reads as the same config", (n) => {
    const config = read(jsonOf(n));
    expect(read(zamba2.json(config))).toEqual(config);
  });

  it("may call layers as older files do, or not list them at all", () => {
    expect(read({ ...jsonOf(2), layers_block_type: ["mamba", "hybrid", "hybrid", "mamba", "hybrid"] })).toEqual(
      read(jsonOf(2)),
    );
    const { layers_block_type, ...json } = jsonOf(2);
    const { pattern } = read(json);
    expect(pattern).toHaveLength(54);
    expect([...pattern].flatMap((letter, i) => (letter === "Z" ? [i] : []))).toEqual([
      6, 12, 18, 24, 30, 36, 42, 47, 51,
    ]);
  });

  it.each([
    [{ add_bias_linear: true }, "config.json: add_bias_linear is true; braid has false only."],
    [{ hidden_act: "silu" }, 'hidden_act is "silu"; braid has "gelu" only.'],
    [{ use_long_context: true }, "use_long_context is true"],
    [{ tie_word_embeddings: false }, "tie_word_embeddings is false"],
    [{ rms_norm_eps: 1e-6 }, "rms_norm_eps is 0.000001"],
    [{ num_mem_blocks: 0 }, "num_mem_blocks is 0, not a whole number of at least 1."],
    [{ attention_head_dim: 12 }, "attention_head_dim is 12; braid has 8 only."],
    [{ mamba_headdim: 8 }, "mamba_headdim is 8; braid has 4 only."],
    [{ num_hidden_layers: 6 }, "num_hidden_layers is 6; braid has 5 only."],
    [{ layers_block_type: ["hybrid", "rwkv"] }, 'layers_block_type has "rwkv" for layer 2'],
    [{ rope_parameters: { rope_type: "linear" } }, 'rope_parameters.rope_type is "linear"'],
    [{ rope_parameters: { rope_type: "default", partial_rotary_factor: 0.5 } }, "partial_rotary_factor is 0.5"],
  ])("with %j is refused in a sentence that names the key", (change, message) => {
    expect(() => read({ ...jsonOf(2), ...change })).toThrow(message);
  });

  it("cannot express other models, and says which field is in the way", () => {
    const config = read(jsonOf(2));
    const { ssm, zamba } = config;
    for (const [change, message] of [
      [{ pattern: "MTMMZ", attention: { heads: 1, kvHeads: 1, headDim: 4, rope: null } }, "pattern: layer 2 is T"],
      [{ zamba: { ...zamba!, headDim: 12 } }, "zamba.headDim: 12, but a zamba2 model has 2 · dModel / heads, 8."],
      [{ zamba: { ...zamba!, kvHeads: 1 } }, "zamba.kvHeads: 1"],
      [{ zamba: { ...zamba!, rope: { theta: 1e4, dim: 4 } } }, "zamba.rope.dim: 4"],
      [{ ssm: { ...ssm!, norm: null } }, "ssm.norm: null"],
      [{ ssm: { ...ssm!, dtLimit: undefined } }, "ssm.dtLimit: a zamba2 model holds dt above the least of dtRange"],
      [{ ssm: { ...ssm!, dSsm: 30, headDim: 10 } }, "ssm.dSsm: 30, but a zamba2 model has a whole multiple of dModel"],
      [{ tieEmbeddings: false }, "tieEmbeddings: false"],
      [{ normEps: 1e-6 }, "normEps: 0.000001"],
      [{ multipliers: { logits: 2 } }, "multipliers: a zamba2 model has no such setting"],
    ] as const) {
      expect(() => zamba2.json(parseConfig({ ...config, ...change }))).toThrow(message);
    }
  });
});

describe("Zamba2's shared blocks", () => {
  const { config, values } = loadModel(folderOf("zamba2-2"));
  const first = "model.layers.1.shared_transformer.";
  const later = "model.layers.4.shared_transformer.";
  /** The block of layers 1 and 4 below both: as files of untied copies have it. */
  const repeated = () => {
    const tensors = tensorsOf(zamba2, config, values);
    for (const [name, tensor] of [...tensors]) {
      if (name.startsWith(first)) tensors.set(name.replace(first, later), tensor);
    }
    return tensors;
  };

  it("are read wherever a file has them, once or in copies", () => {
    const copies = repeated();
    expect(copies.has(`${later}self_attn.q_proj.weight`)).toBe(true);
    expect(weightsFrom(zamba2, config, copies, "model.safetensors")).toEqual(values);
    const moved = repeated();
    for (const name of [...moved.keys()]) if (name.startsWith(first)) moved.delete(name);
    expect(weightsFrom(zamba2, config, moved, "model.safetensors")).toEqual(values);
  });

  it("are refused when copies differ, or a block has none", () => {
    const name = "self_attn.q_proj.weight";
    const differing = repeated();
    const { shape, values: numbers } = differing.get(later + name)!;
    differing.set(later + name, { shape, values: numbers.map((value, i) => (i === 5 ? value + 1 : value)) });
    expect(() => weightsFrom(zamba2, config, differing, "model.safetensors")).toThrow(
      `model.safetensors: tensors ${first}${name} and ${later}${name} differ`,
    );
    const lacking = tensorsOf(zamba2, config, values);
    lacking.delete(first + name);
    expect(() => weightsFrom(zamba2, config, lacking, "model.safetensors")).toThrow(
      `model.safetensors lacks the tensor ${first}${name}.`,
    );
  });
});
