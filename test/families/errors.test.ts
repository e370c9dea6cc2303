/** What is said of folders of known families that are broken, or that ask for what braid does not have. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/schema.js";
import type { ModelConfig } from "../../src/config/types.js";
import { Fields, type Json } from "../../src/model/families/fields.js";
import { familyOf, familyTypes } from "../../src/model/families/table.js";
import { weightsFrom } from "../../src/model/families/weights.js";
import { loadModel } from "../../src/model/folder.node.js";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "../../src/model/safetensors.js";
import { openWeights } from "../../src/model/weight-files.node.js";
import { folderOf } from "./fixtures.js";

const root = mkdtempSync(join(tmpdir(), "braid-errors-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A copy of a fixture, to be broken. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, "model-"));
});
const copy = (fixture: string) => cpSync(folderOf(fixture), folder, { recursive: true });
const at = (file: string) => join(folder, file);

function editJson(file: string, edit: (json: Json) => void): void {
  const json = JSON.parse(readFileSync(at(file), "utf8"));
  edit(json);
  writeFileSync(at(file), JSON.stringify(json));
}

function editTensors(file: string, edit: (tensors: Map<string, StoredTensor>) => void): void {
  const tensors = new Map(decodeSafetensors(new Uint8Array(readFileSync(at(file))), file).tensors);
  edit(tensors);
  writeFileSync(at(file), encodeSafetensors(tensors));
}

/** The one sentence that loading fails with. */
function failure(): string {
  try {
    loadModel(folder);
  } catch (error) {
    const { message } = error as Error;
    expect(message.split("\n")).toHaveLength(1);
    return message;
  }
  return "no error";
}

const first = (n: number) => `model-0000${n}-of-00003.safetensors`;
const index = "model.safetensors.index.json";
const weights = "model.safetensors";

describe("a broken folder is refused in one sentence that names the file and the tensor:", () => {
  it("a tensor is missing", () => {
    copy("bamba-1");
    editTensors(weights, (tensors) => tensors.delete("model.layers.0.mamba.A_log"));
    expect(failure()).toBe(`${at(weights)} lacks the tensor model.layers.0.mamba.A_log.`);
  });

  it("a tensor is missing from the shard that the index names", () => {
    copy("llama-3");
    editTensors(first(2), (tensors) => tensors.delete("model.layers.1.mlp.up_proj.weight"));
    expect(failure()).toBe(
      `${at(first(2))} lacks the tensor model.layers.1.mlp.up_proj.weight, which ${index} places there.`,
    );
  });

  it("a tensor has another shape", () => {
    copy("bamba-1");
    editTensors(weights, (tensors) => {
      const { values, shape } = tensors.get("model.layers.0.mamba.conv1d.weight")!;
      expect(shape).toEqual([64, 1, 4]);
      tensors.set("model.layers.0.mamba.conv1d.weight", { values, shape: [1, 64, 4] });
    });
    expect(failure()).toBe(
      `${at(weights)}: tensor model.layers.0.mamba.conv1d.weight is [1,64,4], but the config wants [64,1,4].`,
    );
  });

  it("the config wants other widths than the weights have", () => {
    copy("llama-1");
    editJson("config.json", (json) => {
      json.intermediate_size = 38;
    });
    expect(failure()).toMatch(/model\.safetensors: tensor model\.layers\.0\.mlp\.\w+_proj\.weight .*38/);
  });

  it("the config has fewer layers than the weights", () => {
    copy("llama-1");
    editJson("config.json", (json) => {
      json.num_hidden_layers = 1;
    });
    expect(failure()).toMatch(
      /model\.safetensors has the tensor model\.layers\.1\.[\w.]+, which a llama model of this config has not\.$/,
    );
  });

  it("a file is cut off, in its numbers or in its header", () => {
    for (const [fixture, file] of [
      ["llama-3", first(3)],
      ["jamba-1", weights],
    ]) {
      copy(fixture);
      const whole = readFileSync(at(file));
      for (const length of [whole.length - 1, 100, 3, 0]) {
        writeFileSync(at(file), whole.subarray(0, length));
        expect(failure()).toContain(at(file));
      }
      rmSync(folder, { recursive: true });
    }
  });

  it("the index names a shard that is not there, or is none", () => {
    copy("llama-3");
    rmSync(at(first(2)));
    expect(failure()).toBe(`${at(index)} names the shard ${first(2)}, which the folder does not have.`);
    editJson(index, (json) => {
      (json.weight_map as Json)["lm_head.weight"] = "../elsewhere.safetensors";
    });
    expect(failure()).toMatch(/tensor lm_head\.weight is in "\.\.\/elsewhere\.safetensors"/);
    writeFileSync(at(index), "{");
    expect(failure()).toMatch(`${at(index)} is not JSON`);
    rmSync(at(index));
    expect(failure()).toBe(`${folder} has neither ${weights} nor ${index}.`);
  });

  it("the family is not known", () => {
    copy("llama-1");
    editJson("config.json", (json) => {
      json.model_type = "gpt2";
    });
    expect(failure()).toBe(`${at("config.json")}: model_type is "gpt2"; braid has braid, ${familyTypes().join(", ")}.`);
  });

  it.each([
    ["llama-1", "hidden_size", "24", 'hidden_size is "24", not a whole number of at least 1.'],
    ["llama-1", "rope_parameters", { partial_rotary_factor: 0.5 }, "partial_rotary_factor is 0.5"],
    ["llama-1", "rope_parameters", { rope_type: "yarn" }, 'rope_parameters.rope_type is "yarn"'],
    ["bamba-1", "hidden_act", "gelu", 'hidden_act is "gelu"; braid has "silu"'],
    ["bamba-1", "mamba_n_heads", 5, "mamba_n_heads is 5"],
    ["jamba-1", "num_experts_per_tok", 0, "num_experts_per_tok is 0, not a whole number of at least 1."],
    ["mamba2-1", "n_groups", 2.5, "n_groups is 2.5, not a whole number of at least 1."],
    ["mamba2-1", "use_conv_bias", false, "use_conv_bias is false; braid has true only."],
    ["falcon_h1-1", "attention_bias", true, "attention_bias is true; braid has false only."],
    ["granitemoehybrid-1", "layer_types", ["linear_attention", "rwkv"], 'layer_types has "rwkv" for layer 2'],
    ["nemotron_h-1", "mlp_hidden_act", "gelu", 'mlp_hidden_act is "gelu"'],
    ["zamba2-1", "num_mem_blocks", 0, "num_mem_blocks is 0, not a whole number of at least 1."],
    // Keys that read well, but make no model: the sentence names braid's own field.
    ["llama-1", "num_key_value_heads", 2, "attention.heads: 3 is not divisible by kvHeads, 2."],
  ])("%s with %s %j", (fixture, key, value, message) => {
    copy(fixture);
    editJson("config.json", (json) => {
      json[key] = value;
    });
    expect(failure()).toContain(`${at("config.json")}: `);
    expect(failure()).toContain(message);
  });

  it("a config is an old Python's JSON: a bare Infinity is read, other things are not", () => {
    copy("mamba2-1");
    const before = loadModel(folder);
    const text = readFileSync(at("config.json"), "utf8");
    const bare = text.replace(/\{\s*"__float__": "Infinity"\s*\}/, "Infinity");
    expect(bare).toMatch(/0\.0,\s*Infinity\s*\]/);
    writeFileSync(at("config.json"), bare);
    expect(loadModel(folder)).toEqual(before);
    writeFileSync(at("config.json"), bare.replace("Infinity", "inf"));
    expect(failure()).toMatch(`${at("config.json")} is not JSON: `);
    writeFileSync(at("config.json"), bare.replace("Infinity", "NaN"));
    expect(failure()).toMatch(/config\.json: time_step_limit/);
  });
});

describe.each(familyTypes())("of a %s model", (type) => {
  const source = folderOf(`${type}-1`);
  const family = familyOf(type)!;
  const path = "config.json";
  const json: Json = JSON.parse(readFileSync(join(source, path), "utf8"));
  const config = family.config(new Fields(json, path));

  it("no tensor may be missing or have another shape", () => {
    const opened = openWeights(source);
    const tensors = new Map([...opened.keys()].map((name) => [name, opened.get(name)!]));
    const wrong: string[] = [];
    for (const [name, tensor] of tensors) {
      const others = new Map(tensors);
      others.delete(name);
      const reshaped = new Map(tensors).set(name, { ...tensor, shape: [1, ...tensor.shape] });
      for (const broken of [others, reshaped]) {
        const message = messageOf(() => weightsFrom(family, config, broken, "weights"));
        if (!message.startsWith("weights") || !message.includes(name)) wrong.push(`${name}: ${message}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it("no key that is read may be of the wrong kind", () => {
    const wrong: string[] = [];
    let refused = 0;
    for (const key of Object.keys(json)) {
      const changed = new Fields({ ...json, [key]: "?" }, path);
      const message = messageOf(() => expect(family.config(changed), "a key that is not read").toEqual(config));
      if (message.startsWith(`${path}: ${key} `)) refused++;
      else if (message !== "no error") wrong.push(`${key}: ${message}`);
    }
    expect(wrong).toEqual([]);
    expect(refused).toBeGreaterThan(8);
  });

  it("no setting may be lost when it is written: the family has a key for it, or it is refused by its name", () => {
    const wrong = unusualSettings(config).flatMap(([name, changed]) => {
      const message = messageOf(() =>
        expect(family.config(new Fields(family.json(changed), path)), "what was written").toEqual(changed),
      );
      return message === "no error" || message.startsWith(name.split(".")[0]) ? [] : [`${name}: ${message}`];
    });
    expect(wrong).toEqual([]);
  });
});

/** A config with one setting more that few families have, for each of those that fit its sections. */
function unusualSettings(config: ModelConfig): [name: string, ModelConfig][] {
  const { attention, ffn, moe, ssm } = config;
  const settings: Record<string, Partial<ModelConfig> | false | undefined> = {
    "multipliers.embedding": { multipliers: { embedding: 2 } },
    "multipliers.residual": { multipliers: { residual: 2 } },
    "multipliers.logits": { multipliers: { logits: 2 } },
    "ffn.multipliers": ffn && { ffn: { ...ffn, multipliers: { gate: 1, down: 2 } } },
    "moe.routedScale": moe && { moe: { ...moe, routedScale: 2 } },
    // The weights of "softmax-topk" have the sum one already.
    "moe.normalise": moe && moe.router !== "softmax-topk" && { moe: { ...moe, normalise: !moe.normalise } },
    "attention.scale": attention && { attention: { ...attention, scale: 2 } },
    "attention.valueDim": attention && { attention: { ...attention, valueDim: 2 * attention.headDim } },
    "ssm.dtLimit": ssm && { ssm: { ...ssm, dtLimit: { least: 0.01, most: 0.02 } } },
    "ssm.norm": ssm && { ssm: { ...ssm, norm: null } },
  };
  return Object.entries(settings).flatMap(([name, change]) =>
    change ? [[name, parseConfig({ ...config, ...change })] as [string, ModelConfig]] : [],
  );
}

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  return "no error";
}
