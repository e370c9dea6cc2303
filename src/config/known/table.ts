import { ffnPatternOf } from "../blocks/table.js";
import { countParameters } from "../parameters.js";
import type { ModelConfig } from "../types.js";
import { KNOWN } from "./index.js";
import { shortPattern } from "./short-pattern.js";

/** One preset beside what is published of it. */
export interface PresetRow {
  preset: string;
  family: string;
  layers: number;
  /**
   * Mixers, repetitions counted; then, where they are not alike everywhere, the feed-forward networks. One pattern of both where
   * each layer is one of the two.
   */
  pattern: string;
  /** Which weights are compared: "all", or "non-embedding". */
  weights: string;
  ours: number;
  published: number;
  /** (ours − published) / published. */
  differencePercent: number;
  /** What the preset leaves out or has otherwise. */
  note: string;
  source: string;
}

/** Every preset with its number of weights, ours and the published one, in the order of `KNOWN`. */
export function presetRows(): PresetRow[] {
  return KNOWN.map(({ name, family, config, counted, published, differences, source }) => {
    const model = config();
    const count = countParameters(model);
    const ours = counted === "all" ? count.total : count.nonEmbedding;
    return {
      preset: name,
      family,
      layers: [...model.pattern].length,
      pattern: patterns(model),
      weights: counted,
      ours,
      published,
      differencePercent: Number(((100 * (ours - published)) / published).toFixed(3)),
      note: differences,
      source,
    };
  });
}

function patterns(model: ModelConfig): string {
  const ffns = [...ffnPatternOf(model)];
  const mixers = [...model.pattern];
  // Models of one block a layer (Nemotron-H) are written as one pattern.
  const single = mixers.every((mixer, i) => (mixer === "-") !== (ffns[i] === "-"));
  if (single) return shortPattern(mixers.map((mixer, i) => (mixer === "-" ? ffns[i] : mixer)).join(""));
  const mixed = shortPattern(model.pattern);
  return new Set(ffns).size > 1 ? `${mixed} + ${shortPattern(ffns.join(""))}` : mixed;
}
