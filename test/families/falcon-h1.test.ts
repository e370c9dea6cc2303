import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.js";
import { falconH1 } from "../../src/model/families/falcon-h1.js";
import { Fields, type Json } from "../../src/model/families/fields.js";
import { folderOf } from "./fixtures.js";

const jsonOf = (n: number): Json => JSON.parse(readFileSync(`${folderOf(`falcon_h1-${n}`)}/config.json`, "utf8"));
const read = (json: Json) => falconH1.config(new Fields(json, "config.json"));

describe("Falcon-H1's config.json", () => {
  it.each([1, 2, 3])("of fixture %i is written so that it reads as the same config", (n) => {
    const config = read(jsonOf(n));
    expect(read(falconH1.json(config))).toEqual(config);
  });

  it("says where the gate stands, or that there is no norm", () => {
    expect([1, 2, 3].map((n) => read(jsonOf(n)).ssm?.norm)).toEqual([
      null,
      { groups: 3, gateFirst: false },
      { groups: 2, gateFirst: true },
    ]);
    const json = { ...jsonOf(3), mamba_n_groups: 1 };
    expect(read(json).ssm).not.toHaveProperty("norm");
    expect(read(falconH1.json(read(json)))).toEqual(read(json));
  });

  it("leaves factors out where all are 1, whether the file has them or not", () => {
    const { ssm_multipliers, mlp_multipliers, ...json } = jsonOf(1);
    for (const key of Object.keys(json)) if (key.endsWith("_multiplier")) json[key] = 1;
    const config = read({ ...json, ssm_multipliers: null, key_multiplier: undefined });
    expect(config).not.toHaveProperty("parallel");
    expect(config).not.toHaveProperty("multipliers");
    expect(config.ffn).not.toHaveProperty("multipliers");
    expect(read(falconH1.json(config))).toEqual(config);
  });

  it("reads the keys of published files: theta at the top, no scaling, and what is not used", () => {
    const { rope_parameters, ...json } = jsonOf(1);
    const published = {
      ...{ rope_theta: 1e11, rope_scaling: null, attn_layer_indices: null, mamba_use_mlp: true },
      ...{ mlp_expansion_factor: 8, sliding_window: null, time_step_floor: 1e-4 },
    };
    expect(read({ ...json, ...published })).toEqual(read(jsonOf(1)));
  });

  it.each([
    [{ projectors_bias: true }, "config.json: projectors_bias is true; braid has false only."],
    [{ attention_bias: true }, "attention_bias is true"],
    [{ mlp_bias: true }, "mlp_bias is true"],
    [{ mamba_proj_bias: true }, "mamba_proj_bias is true"],
    [{ mamba_conv_bias: false }, "mamba_conv_bias is false"],
    [{ hidden_act: "gelu" }, 'hidden_act is "gelu"; braid has "silu" or "swish" only.'],
    [{ mamba_use_mlp: false }, "mamba_use_mlp is false"],
    [{ attn_layer_indices: [1] }, "attn_layer_indices is [1], not null"],
    [{ ssm_multipliers: [1, 2] }, "ssm_multipliers is [1,2], not a list of 5 numbers."],
    [{ mlp_multipliers: [1] }, "mlp_multipliers is [1], not a list of 2 numbers."],
    [{ key_multiplier: 0 }, "parallel.multipliers.key: 0 must be greater than 0."],
    [{ mamba_d_head: 5 }, "mamba_n_heads is 6, but 24 channels have heads of 5."],
    [{ rope_parameters: { rope_type: "yarn" } }, 'rope_parameters.rope_type is "yarn"'],
    [{ partial_rotary_factor: 0.5 }, "partial_rotary_factor is 0.5"],
  ])("with %j is refused in a sentence that names the key", (change, message) => {
    expect(() => read({ ...jsonOf(1), ...change })).toThrow(message);
  });

  it("cannot express other models, and says which field is in the way", () => {
    const config = read(jsonOf(2));
    const { attention, ffn, ssm } = config;
    for (const [change, message] of [
      [{ pattern: "PM" }, "pattern: layer 2 is M (Mamba-2), which a falcon_h1 model cannot have."],
      [{ attention: { ...attention!, rope: null } }, "attention.rope: null"],
      [{ attention: { ...attention!, rope: { theta: 1e4, dim: 2 } } }, "attention.rope.dim: 2"],
      [{ attention: { ...attention!, scale: 2 } }, "attention.scale: a falcon_h1 model has no such setting"],
      [{ multipliers: { residual: 2 } }, "multipliers.residual: a falcon_h1 model has no such setting"],
      [{ ffn: { kind: "geglu", dFfn: ffn!.dFfn } }, "ffn.kind: geglu"],
      [{ ssm: { ...ssm!, norm: undefined } }, "ssm.norm.groups: 1, but a falcon_h1 model has those of ssm.groups, 3."],
    ] as const) {
      expect(() => falconH1.json(parseConfig({ ...config, ...change }))).toThrow(message);
    }
  });
});
