import type { ModelConfig } from "../../config/types.js";
import type { Fields, Json } from "./fields.js";
import type { Mapping } from "./mapping.js";

/** A family of published models: how its config.json and its tensors read as braid's. */
export interface Family {
  /** `model_type` of config.json. */
  type: string;
  /** The class of transformers that has the language model, for `architectures` of config.json. */
  architecture: string;
  /** @throws Error naming the key that is missing, wrong, or asks for what braid doesn't have */
  config: (fields: Fields) => ModelConfig;
  /**
   * The reverse: what to write to config.json, besides model_type and architectures.
   * @throws Error naming the field of the config that the family cannot express
   */
  json: (config: ModelConfig) => Json;
  /**
   * Every weight of the config, in the family's names.
   * @param has whether the file at hand has a tensor, where published files differ; when writing, nothing is at hand
   */
  mappings: (config: ModelConfig, has?: (name: string) => boolean) => Mapping[];
  /** Tensors that files may have and that braid does not need, such as rotary frequencies. */
  ignored?: RegExp;
}
