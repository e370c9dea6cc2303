import { existsSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "../config/file.node.js";
import type { Json } from "../model/families/fields.js";
import { modelFiles } from "../model/folder.node.js";

/** Tokens that stand around text for a published model. */
export interface SpecialTokens {
  /** What the model expects before a text, e.g. Llama 3's "<|begin_of_text|>": the tokenizer's template puts it there. */
  before: number[];
  /** Any of these ends a text; chat models have several. */
  ends: number[];
}

/** Reads them from a published model's folder: tokenizer.json, and generation_config.json or else config.json. */
export function specialTokens(folder: string): SpecialTokens {
  const read = (file: string) => (existsSync(join(folder, file)) ? (readJson(join(folder, file)) as Json) : {});
  const ends = read("generation_config.json").eos_token_id ?? read(modelFiles.config).eos_token_id;
  return {
    before: templateStart(read(modelFiles.tokenizer).post_processor),
    ends: [ends].flat().filter((id) => typeof id === "number"),
  };
}

/** https://huggingface.co/docs/tokenizers/api/post-processors: what TemplateProcessing puts before a single text. */
interface PostProcessor {
  type: string;
  processors?: PostProcessor[];
  single?: { SpecialToken?: { id: string } }[];
  special_tokens?: Record<string, { ids: number[] } | undefined>;
}

function templateStart(processor: unknown): number[] {
  const { type, processors = [], single = [], special_tokens: tokens = {} } = (processor ?? {}) as PostProcessor;
  if (type === "Sequence") return processors.flatMap(templateStart);
  if (type !== "TemplateProcessing") return [];
  const text = single.findIndex((part) => !part.SpecialToken);
  return single.slice(0, text).flatMap((part) => tokens[part.SpecialToken!.id]?.ids ?? []);
}
