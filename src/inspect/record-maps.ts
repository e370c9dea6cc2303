import type { ColumnTable } from "arquero";
import type { TokenCodec } from "../data/types.js";
import type { Gpu } from "../gpu/gpu.js";
import type { Parameters } from "../model/parameters.js";
import { observe } from "./look.js";
import { type Branch, type HeadSummary, type HeadWeights, type ModelMaps, packWeights } from "./map-file.js";
import { attentionMaps, mambaAttention } from "./maps.js";
import { attentionSummary } from "./summary.js";

export interface RecordOptions {
  /** Tokens that are read, and summed up; default: 256, as in Appendix O. */
  read?: number;
  /** The first of them, whose maps are kept; default: 64. */
  drawn?: number;
  /** Layers whose maps are kept, from 0; default: the first, the middle and the last. Summaries are of all layers. */
  layers?: readonly number[];
  /** From 0; default: all heads of each layer. */
  heads?: readonly number[];
}

/**
 * Reads the beginning of a text with a model and keeps what `MapsFile` holds of it.
 * @throws Error when the text has fewer tokens than are to be read, or a layer or head asked for is not there
 */
export async function recordMaps(
  gpu: Gpu,
  { name, parameters, codec, run }: { name: string; parameters: Parameters; codec: TokenCodec; run?: string },
  text: string,
  { read = 256, drawn = Math.min(64, read), layers, heads }: RecordOptions = {},
): Promise<ModelMaps> {
  const { pattern } = parameters.config;
  const last = pattern.length - 1;
  const kept = layers ?? [0, Math.floor(last / 2), last];
  const absent = kept.find((layer) => layer > last);
  if (absent !== undefined) throw new Error(`layers: ${name} has no layer ${absent}; its pattern is ${pattern}`);
  if (drawn > read) throw new Error(`${drawn} tokens cannot be drawn of ${read} that are read`);
  // Encoding a whole book takes a while, and its beginning holds more than enough tokens.
  const ids = Array.from(codec.encode(text.slice(0, 32 * read))).slice(0, read);
  if (ids.length < read) throw new Error(`the text has ${ids.length} tokens for ${name}, and ${read} are to be read`);
  const shown = await observe(gpu, parameters, ids.slice(0, 2));
  const has = (...names: string[]) => shown.some((seen) => names.includes(seen.name));
  const options = heads ? { heads } : {};
  const tables: [Branch, ColumnTable][] = [];
  if (has("qkv")) tables.push(["attention", await attentionMaps(gpu, parameters, ids, options)]);
  if (has("xBC", "x")) {
    tables.push(["mamba", await mambaAttention(gpu, parameters, ids, { ...options, normalise: true, skip: false })]);
  }
  return {
    name,
    pattern,
    ...(run && { run }),
    read,
    tokens: Array.from(ids.slice(0, drawn)),
    summaries: tables.flatMap(([branch, table]) => summariesOf(branch, table)),
    maps: tables.flatMap(([branch, table]) => weightsOf(branch, table, new Set(kept), drawn)),
  };
}

function summariesOf(branch: Branch, table: ColumnTable): HeadSummary[] {
  const round = (value: number) => Number(value.toFixed(4));
  const rows = attentionSummary(table).objects({ limit: Number.POSITIVE_INFINITY }) as Omit<HeadSummary, "branch">[];
  return rows.map(({ layer, head, entropy, evenness, distance }) => ({
    ...{ layer, branch, head },
    ...{ entropy: round(entropy), evenness: round(evenness), distance: round(distance) },
  }));
}

/** Queries of the first tokens see nothing of the later ones: their part of the table is the map of the shorter text. */
function weightsOf(branch: Branch, table: ColumnTable, layers: ReadonlySet<number>, drawn: number): HeadWeights[] {
  const [layer, head, query, weight] = ["layer", "head", "query", "weight"].map(
    (name) => table.array(name) as ArrayLike<number>,
  );
  const maps = new Map<string, { layer: number; head: number; weights: number[] }>();
  for (let i = 0; i < weight.length; i++) {
    if (!layers.has(layer[i]) || query[i] >= drawn) continue;
    const name = `${layer[i]} ${head[i]}`;
    const map = maps.get(name) ?? { layer: layer[i], head: head[i], weights: [] };
    maps.set(name, map);
    map.weights.push(weight[i]);
  }
  return [...maps.values()].map((map) => ({
    ...{ layer: map.layer, branch, head: map.head, weights: packWeights(map.weights) },
  }));
}
