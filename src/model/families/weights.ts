/** Between a family's tensors and the flat weights of a model. */

import type { ModelConfig } from "../../config/types.js";
import { flatten, layoutOf, named } from "../parameters.js";
import type { StoredTensor } from "../safetensors.js";
import type { Family } from "./family.js";
import type { Mapping } from "./mapping.js";

/** The tensors of a file, read when they are asked for. */
export interface TensorSource {
  keys(): Iterable<string>;
  has(name: string): boolean;
  get(name: string): StoredTensor | undefined;
}

/**
 * The flat weights of a model from a family's tensors.
 * @param file how errors call the file
 * @throws Error naming the tensor that is missing, unknown, or of another shape than the config wants
 */
export function weightsFrom(family: Family, config: ModelConfig, source: TensorSource, file: string): Float32Array {
  const { table, size } = layoutOf(config);
  const mappings = family.mappings(config, (name) => source.has(name));
  const known = new Set(mappings.flatMap(({ theirs }) => theirs));
  const unknown = [...source.keys()].find((name) => !known.has(name) && !isSpare(name, family, config));
  if (unknown)
    throw new Error(`${file} has the tensor ${unknown}, which a ${family.type} model of this config has not.`);
  if (config.tieEmbeddings) requireTied(mappings, source, file);
  const lazy = new Map<string, () => StoredTensor>();
  const shapes = new Map(table.map(({ name, shape }) => [name, shape]));
  for (const { ours, theirs, read, write } of mappings) {
    let parts: StoredTensor[] | undefined;
    // Writing tensors without numbers gives the shapes that the file should have.
    const wanted = () => write(ours.map((name) => ({ shape: shapes.get(name)!, values: new Float32Array() })));
    ours.forEach((name, i) => {
      lazy.set(name, () => {
        parts ??= inFile(file, () => {
          const shapes = wanted();
          return read(theirs.map((name, i) => tensorOf(source, name, shapes[i].shape, file)));
        });
        return parts[i];
      });
    });
  }
  const tensors = { keys: () => lazy.keys(), get: (name: string) => lazy.get(name)?.() };
  return flatten(table, size, tensors, file);
}

/** The reverse of `weightsFrom`, for weights or their gradients: tensors by the family's names. */
export function tensorsOf(family: Family, config: ModelConfig, values: Float32Array): Map<string, StoredTensor> {
  const mine = named(layoutOf(config).table, values);
  const tensors = new Map<string, StoredTensor>();
  for (const { ours, theirs, write } of family.mappings(config)) {
    const written = write(ours.map((name) => mine.get(name)!));
    theirs.forEach((name, i) => {
      tensors.set(name, written[i]);
    });
  }
  return tensors;
}

/** Some files repeat the embedding as a tied head. */
function isSpare(name: string, family: Family, config: ModelConfig): boolean {
  return family.ignored?.test(name) || (name === "lm_head.weight" && config.tieEmbeddings);
}

/** A head beside a tied embedding has to be the same: else the file holds another model than its config says. */
function requireTied(mappings: readonly Mapping[], source: TensorSource, file: string): void {
  const head = source.get("lm_head.weight");
  const name = mappings.find(({ ours }) => ours[0] === "model.embed_tokens.weight")?.theirs[0];
  const table = head && name && source.get(name);
  if (!head || !table) return;
  if (head.values.length !== table.values.length || head.values.some((value, i) => value !== table.values[i])) {
    throw new Error(`${file}: tensor lm_head.weight differs from ${name}, but the config ties them.`);
  }
}

function tensorOf(source: TensorSource, name: string, shape: readonly number[], file: string): StoredTensor {
  const tensor = source.get(name);
  if (!tensor) throw new Error(`lacks the tensor ${name}.`, { cause: file });
  if (tensor.shape.join() !== shape.join()) {
    throw new Error(`tensor ${name} is [${tensor.shape}], but the config wants [${shape}].`);
  }
  return tensor;
}

/** Puts the file's name before errors about its tensors. */
function inFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { message, cause } = error as Error;
    if (message.startsWith(file)) throw error;
    throw new Error(cause === file ? `${file} ${message}` : `${file}: ${message}`);
  }
}
