/**
 * Maps and their summaries as a small JSON file: what a reader needs to judge how models look at a text, without their weights.
 */

import { type ColumnTable, table } from "arquero";

/** Softmax attention, or Mamba's implicit attention |M| with rows that add up to 1. */
export type Branch = "attention" | "mamba";

export interface MapsFile {
  /** What was read, such as a file's name. */
  text: string;
  models: ModelMaps[];
}

export interface ModelMaps {
  name: string;
  pattern: string;
  /** Id of the run that trained it, where its folder says so. */
  run?: string;
  /** How many tokens were read; summaries are over all of them. */
  read: number;
  /** The first of them, those that the maps are of, by their numbers in the vocabulary: the text itself is somebody's. */
  tokens: number[];
  summaries: HeadSummary[];
  maps: HeadWeights[];
}

/** A head by the columns of `attentionSummary`: entropy in nats, evenness from 0 to 1, distance in tokens; layers from 0. */
export interface HeadSummary {
  layer: number;
  branch: Branch;
  head: number;
  entropy: number;
  evenness: number;
  distance: number;
}

export interface HeadWeights {
  layer: number;
  branch: Branch;
  head: number;
  /** `packWeights` of the lower triangle, row by row. */
  weights: string;
}

/**
 * Weights from 0 to 1 as bytes in base64. A byte holds the square root: most weights are small, and then are within 0.001 of the truth
 * up to 0.06, within 0.004 everywhere.
 */
export function packWeights(weights: ArrayLike<number>): string {
  const bytes = Uint8Array.from(weights, (weight) => Math.round(255 * Math.sqrt(Math.min(1, Math.max(0, weight)))));
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** The inverse, to a byte's precision. */
export function unpackWeights(text: string): Float64Array {
  return Float64Array.from(atob(text), (letter) => (letter.charCodeAt(0) / 255) ** 2);
}

/**
 * The maps of one branch as the table that `attentionMaps` gives: layer, head, query, key, weight.
 * @throws Error when a map has not a weight for each pair of tokens
 */
export function mapTable({ name, tokens, maps }: ModelMaps, branch: Branch): ColumnTable {
  const columns: Record<"layer" | "head" | "query" | "key" | "weight", number[]> = {
    ...{ layer: [], head: [], query: [], key: [], weight: [] },
  };
  const pairs = (tokens.length * (tokens.length + 1)) / 2;
  for (const { layer, head, weights, ...own } of maps) {
    if (own.branch !== branch) continue;
    const unpacked = unpackWeights(weights);
    if (unpacked.length !== pairs) {
      throw new Error(
        `${name}: the map of layer ${layer}, head ${head} has ${unpacked.length} weights, but ${tokens.length} tokens make ${pairs} pairs`,
      );
    }
    for (let query = 0, i = 0; query < tokens.length; query++) {
      for (let key = 0; key <= query; key++, i++) {
        columns.layer.push(layer);
        columns.head.push(head);
        columns.query.push(query);
        columns.key.push(key);
        columns.weight.push(unpacked[i]);
      }
    }
  }
  return table(columns);
}
