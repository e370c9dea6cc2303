import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { encodeSafetensors, readHeader, type StoredTensor } from "../../src/model/safetensors.js";
import { openWeights, writeWeights } from "../../src/model/weight-files.node.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "braid-weights-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (file: string) => join(folder, file);
const files = () => readdirSync(folder).sort();
const shard = (i: number, of: number) => `model-0000${i}-of-0000${of}.safetensors`;
const index = "model.safetensors.index.json";

/** Five tensors of 4, 8, …, 20 floats that bfloat16 can hold. */
const tensors = new Map<string, StoredTensor>(
  Array.from({ length: 5 }, (_, i) => {
    const size = 4 * (i + 1);
    return [
      `layers.${i}.weight`,
      { shape: [i + 1, 4], values: Float32Array.from({ length: size }, (_, j) => i + j / 32) },
    ];
  }),
);
const expectTensors = (from: string) => {
  const weights = openWeights(from);
  expect([...weights.keys()]).toEqual([...tensors.keys()]);
  for (const [name, tensor] of tensors) expect(weights.get(name)).toMatchObject(tensor);
};

describe("a folder's weights", () => {
  it("are one file when they fit, with the bytes of the encoder", () => {
    writeWeights(folder, tensors);
    expect(files()).toEqual(["model.safetensors"]);
    expect(readFileSync(at("model.safetensors")).equals(encodeSafetensors(tensors))).toBe(true);
    expectTensors(folder);
  });

  it.each(["F32", "F16", "BF16"] as const)(
    "in %s are cut into shards at tensors, with an index as transformers writes it",
    (dtype) => {
      const bytes = dtype === "F32" ? 4 : 2;
      // 4 + 8 + 12 values fill the first file, 16 are in the second, 20 in the third.
      writeWeights(folder, tensors, { dtype, maxShardBytes: 24 * bytes });
      const names = [1, 2, 3].map((i) => shard(i, 3));
      expect(files()).toEqual([...names, index]);
      expect(JSON.parse(readFileSync(at(index), "utf8"))).toEqual({
        metadata: { total_size: 60 * bytes },
        weight_map: {
          "layers.0.weight": names[0],
          "layers.1.weight": names[0],
          "layers.2.weight": names[0],
          "layers.3.weight": names[1],
          "layers.4.weight": names[2],
        },
      });
      const first = readFileSync(at(names[0]));
      expect(readHeader(first, first.length, "x").metadata).toEqual({ format: "pt" });
      expectTensors(folder);
      expect(openWeights(folder).entry("layers.3.weight")).toMatchObject({ dtype, shape: [4, 4], file: at(names[1]) });
    },
  );

  it("give a tensor larger than a shard a file of its own, and start no empty one for it", () => {
    writeWeights(folder, tensors, { maxShardBytes: 1 });
    expect(files()).toEqual([...[1, 2, 3, 4, 5].map((i) => shard(i, 5)), index]);
    expectTensors(folder);
  });

  it("replace those of an earlier save, whatever its files were, and leave other files alone", () => {
    writeFileSync(at("config.json"), "{}");
    writeFileSync(at("adapter.safetensors"), "");
    for (const maxShardBytes of [1, 96, undefined, 1, 1000]) writeWeights(folder, tensors, { maxShardBytes });
    expect(files()).toEqual(["adapter.safetensors", "config.json", "model.safetensors"]);
    for (const maxShardBytes of [1, 96]) writeWeights(folder, tensors, { maxShardBytes });
    expect(files()).toEqual(["adapter.safetensors", "config.json", ...[1, 2, 3].map((i) => shard(i, 3)), index]);
    expectTensors(folder);
  });

  it("stay as they were when a save fails", () => {
    writeWeights(folder, tensors, { maxShardBytes: 96 });
    const before = files();
    const wrong: StoredTensor = { shape: [3], values: new Float32Array(2) };
    const save = (more: [string, StoredTensor][]) => () =>
      writeWeights(folder, [...tensors, ...more], { dtype: "F16" });
    expect(save([["w", wrong]])).toThrow(
      `The weights of ${folder} could not be written: tensor w is [3], but has 2 values.`,
    );
    expect(save([["layers.0.weight", wrong]])).toThrow("tensor layers.0.weight is given twice");
    expect(save([["w", { shape: [1], values: Float32Array.of(1e6) }]])).toThrow(
      "tensor w has the value 1000000, which is too large for F16.",
    );
    expect(files()).toEqual(before);
    expectTensors(folder);
  });

  it("are asked for their values once, one tensor after the other, so that not all need be in memory", () => {
    const asked: string[] = [];
    const lazy = [...tensors].map(([name, { shape, values }]) => {
      const tensor = {
        shape,
        get values() {
          asked.push(name);
          return values;
        },
      };
      return [name, tensor] as const;
    });
    writeWeights(folder, lazy, { maxShardBytes: 96 });
    expect(asked).toEqual([...tensors.keys()]);
  });

  it("are read a tensor at a time: a file with 8 GB of another tensor opens at once", () => {
    const name = "huge";
    const header = {
      [name]: { dtype: "F32", shape: [2 ** 31], data_offsets: [0, 2 ** 33] },
      w: { dtype: "F32", shape: [1], data_offsets: [2 ** 33, 2 ** 33 + 4] },
    };
    const text = Buffer.from(JSON.stringify(header));
    const start = Buffer.alloc(8);
    start.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(at("model.safetensors"), Buffer.concat([start, text]));
    // Sparse: the zeros take no room on the disk.
    truncateSync(at("model.safetensors"), 8 + text.length + 2 ** 33);
    appendFileSync(at("model.safetensors"), new Uint8Array(Float32Array.of(0.5).buffer));
    expect(statSync(at("model.safetensors")).size).toBeGreaterThan(2 ** 33);
    const weights = openWeights(folder);
    expect(weights.get("w")).toEqual({ shape: [1], dtype: "F32", values: Float32Array.of(0.5) });
    expect(weights.entry("huge")!.shape).toEqual([2 ** 31]);
    expect(weights.get("nothing")).toBeUndefined();
  });
});

describe("a broken folder of weights is named with what is wrong:", () => {
  const shards = (i: number) => shard(i, 3);
  beforeEach(() => writeWeights(folder, tensors, { maxShardBytes: 96 }));
  const editIndex = (edit: (json: { weight_map: Record<string, unknown> }) => void) => {
    const json = JSON.parse(readFileSync(at(index), "utf8"));
    edit(json);
    writeFileSync(at(index), JSON.stringify(json));
  };
  const expectError = (message: string) => expect(() => openWeights(folder)).toThrow(message);

  it("no weights at all", () => {
    rmSync(at(index));
    expectError(`${folder} has neither model.safetensors nor ${index}.`);
  });

  it("a missing shard", () => {
    rmSync(at(shards(2)));
    expectError(`${at(index)} names the shard ${shards(2)}, which the folder does not have.`);
  });

  it("a tensor that its shard lacks", () => {
    editIndex((json) => {
      json.weight_map["layers.9.weight"] = shards(2);
    });
    expectError(`${at(shards(2))} lacks the tensor layers.9.weight, which ${index} places there.`);
  });

  it("a tensor in another shard than the index says", () => {
    editIndex((json) => {
      json.weight_map["layers.0.weight"] = shards(3);
    });
    expectError(`${at(shards(3))} lacks the tensor layers.0.weight, which ${index} places there.`);
  });

  it("the same tensor in two shards", () => {
    copyFileSync(at(shards(1)), at("again.safetensors"));
    editIndex((json) => {
      json.weight_map["layers.2.weight"] = "again.safetensors";
    });
    expectError(`${folder}: tensor layers.0.weight is both in ${shards(1)} and in again.safetensors.`);
  });

  it("a truncated shard, in the header or in a tensor", () => {
    truncateSync(at(shards(2)), statSync(at(shards(2))).size - 1);
    expectError(`${at(shards(2))} is cut off within tensor layers.3.weight.`);
    truncateSync(at(shards(2)), 40);
    expectError(`${at(shards(2))} is no safetensors file, or its header is cut off.`);
  });

  it("an index that is no JSON, maps nothing, or points elsewhere", () => {
    writeFileSync(at(index), "{");
    expectError(`${at(index)} is not JSON:`);
    for (const json of ["null", "[]", "{}", '{"weight_map": []}']) {
      writeFileSync(at(index), json);
      expectError(`${at(index)} has no weight_map from tensors to shards.`);
    }
    writeFileSync(at(index), '{"weight_map": {}}');
    expectError(`${at(index)}: weight_map names no tensor.`);
    for (const place of ["../other.safetensors", "/etc/passwd", 3]) {
      writeFileSync(at(index), JSON.stringify({ weight_map: { w: place } }));
      expectError(`${at(index)}: tensor w is in ${JSON.stringify(place)}, which is no name of a safetensors file.`);
    }
  });

  it("a type that is not read, only when that tensor is asked for", () => {
    const file = Buffer.from(readFileSync(at(shards(3))));
    // The same length, so that the header stays where it is.
    file.write(file.toString("latin1", 0, 200).replace('"F32"', '"U32"'), "latin1");
    writeFileSync(at(shards(3)), file);
    const weights = openWeights(folder);
    expect(() => weights.get("layers.4.weight")).toThrow(
      `${at(shards(3))}: tensor layers.4.weight is U32; floats are read as F64, F32, F16 or BF16.`,
    );
    expect(() => weights.integers("layers.0.weight")).toThrow(
      `${at(shards(1))}: tensor layers.0.weight is F32; integers are read as I64 or I32.`,
    );
  });
});
