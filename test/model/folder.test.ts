import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { Rng } from "../../src/data/rng.js";
import { loadModel, modelFiles, saveModel } from "../../src/model/folder.node.js";
import { layoutOf } from "../../src/model/parameters.js";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "../../src/model/safetensors.js";
import { tinyConfig } from "./fixtures.js";

const folder = mkdtempSync(join(tmpdir(), "braid-folder-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = tinyConfig("MTS");
const weights = join(folder, modelFiles.weights);
const description = join(folder, modelFiles.config);

/** Weights of every kind of float32, in the places that tensors take; the padding between them is zero. */
function someValues(): Float32Array {
  const { table, size } = layoutOf(config);
  const values = new Float32Array(size);
  const rng = new Rng(1, "folder test");
  for (const { offset, size: length } of table) {
    for (let i = 0; i < length; i++) values[offset + i] = (rng.uniform() - 0.5) * 10 ** (rng.below(60) - 30);
  }
  values.set([-0, 1e-45, 3.4028235e38], table[0].offset);
  return values;
}
const values = someValues();
const bits = (floats: Float32Array) => Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength);

function editTensors(edit: (tensors: Map<string, StoredTensor>) => void): void {
  const { tensors } = decodeSafetensors(readFileSync(weights), weights);
  edit(tensors);
  writeFileSync(weights, encodeSafetensors(tensors));
}

function editConfig(edit: (json: Record<string, unknown>) => void): void {
  const json = JSON.parse(readFileSync(description, "utf8"));
  edit(json);
  writeFileSync(description, JSON.stringify(json));
}

beforeEach(() => saveModel(folder, config, values, "bytes"));

describe("a model folder", () => {
  it("gives back the config and every bit of the weights", () => {
    const loaded = loadModel(folder);
    expect(loaded.config).toEqual(config);
    expect(loaded.tokenizer).toBe("bytes");
    expect(bits(loaded.values).equals(bits(values))).toBe(true);
  });

  it("keeps a copy of the tokenizer, and drops it when a model of bytes is saved over it", () => {
    const tokenizer = join(folder, "elsewhere.json");
    writeFileSync(tokenizer, '{"model": {}}');
    saveModel(folder, config, values, tokenizer);
    expect(loadModel(folder).tokenizer).toBe(join(folder, modelFiles.tokenizer));
    expect(readFileSync(join(folder, modelFiles.tokenizer), "utf8")).toBe('{"model": {}}');
    saveModel(folder, config, values, "bytes");
    expect(loadModel(folder).tokenizer).toBe("bytes");
  });

  it("uses the names and shapes of Hugging Face checkpoints", () => {
    const { tensors } = decodeSafetensors(readFileSync(weights), weights);
    expect(tensors.get("model.embed_tokens.weight")!.shape).toEqual([256, 24]);
    expect(tensors.get("model.layers.0.mamba.conv1d.weight")!.shape).toEqual([48 + 2 * 2 * 8, 1, 4]);
    expect(tensors.get("model.layers.1.self_attn.k_proj.weight")!.shape).toEqual([8, 24]);
  });
});

describe("a broken model folder is named with what is wrong:", () => {
  const norm = "model.layers.2.input_layernorm.weight";

  it("a missing tensor", () => {
    editTensors((tensors) => tensors.delete(norm));
    expect(() => loadModel(folder)).toThrow(weights);
    expect(() => loadModel(folder)).toThrow(norm);
  });

  it("a tensor too many", () => {
    editTensors((tensors) => tensors.set("model.layers.9.extra", { shape: [1], values: new Float32Array(1) }));
    expect(() => loadModel(folder)).toThrow(weights);
    expect(() => loadModel(folder)).toThrow("model.layers.9.extra");
  });

  it("a wrong shape, even of the same size", () => {
    const gate = "model.layers.0.mlp.gate_proj.weight";
    editTensors((tensors) => tensors.set(gate, { ...tensors.get(gate)!, shape: [24, 40] }));
    expect(() => loadModel(folder)).toThrow(weights);
    expect(() => loadModel(folder)).toThrow(gate);
    expect(() => loadModel(folder)).toThrow("is [24,40], but the config wants [40,24]");
  });

  it("weights cut off in a tensor, or in the header", () => {
    const whole = readFileSync(weights);
    writeFileSync(weights, whole.subarray(0, whole.length - 4));
    expect(() => loadModel(folder)).toThrow(`${weights} is cut off within tensor model.norm.weight.`);
    for (const length of [0, 7, 100]) {
      writeFileSync(weights, whole.subarray(0, length));
      expect(() => loadModel(folder)).toThrow(`${weights} is no safetensors file, or its header is cut off.`);
    }
  });

  it("another model type, or none", () => {
    editConfig((json) => {
      json.model_type = "gpt9";
    });
    expect(() => loadModel(folder)).toThrow(`${description}: model_type is "gpt9"; braid has braid, llama`);
    editConfig((json) => delete json.model_type);
    expect(() => loadModel(folder)).toThrow(`${description}: model_type is undefined`);
  });

  it("a config with a wrong or an unknown key", () => {
    editConfig((json) => {
      json.dModel = "wide";
    });
    expect(() => loadModel(folder)).toThrow(new RegExp(`^${description}: .*dModel`));
    saveModel(folder, config, values, "bytes");
    editConfig((json) => {
      json.colour = "blue";
    });
    expect(() => loadModel(folder)).toThrow(new RegExp(`^${description}: .*colour`));
  });

  it("a config that is not JSON, or not an object", () => {
    writeFileSync(description, "{ vocabSize: 256 }");
    expect(() => loadModel(folder)).toThrow(`${description} is not JSON:`);
    for (const json of ["null", "[]", '"braid"']) {
      writeFileSync(description, json);
      expect(() => loadModel(folder)).toThrow(`${description}: model_type is undefined`);
    }
  });

  it("missing files", () => {
    rmSync(weights);
    expect(() => loadModel(folder)).toThrow(
      `${folder} has neither model.safetensors nor model.safetensors.index.json.`,
    );
    rmSync(description);
    expect(() => loadModel(folder)).toThrow(`${folder} is no model folder: it has no config.json.`);
  });
});
