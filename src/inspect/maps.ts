/**
 * How much each token takes from each earlier one, as tidy tables: the softmax weights of attention layers, and the matrix
 * that Mamba's recurrence amounts to (Appendix O of the paper shows both side by side).
 */

import { type ColumnTable, table } from "arquero";
import { blocksOf } from "../config/blocks/table.js";
import type { Gpu } from "../gpu/gpu.js";
import type { Parameters } from "../model/parameters.js";
import { attentionWeights } from "../ops/attention.js";
import { channelMatrix, headMatrix, type ImplicitOptions } from "./implicit-attention.js";
import { type Look, lookInside } from "./look.js";

export interface MapOptions {
  /** 0-based; default: all that have such maps. */
  layers?: readonly number[];
  /** 0-based; default: all. */
  heads?: readonly number[];
}

/** [T, T] of one head, row-major: row t has the weights of what token t takes. */
export type HeadMap = ArrayLike<number>;

/** The maps of one mixer. */
interface LayerMaps {
  layer: number;
  heads: number;
  map: (head: number) => HeadMap;
}

/**
 * The attention weights of every layer with softmax attention: T, S, and the attention of hybrid layers.
 * Grouped queries have a map each. Takes memory of heads · T² numbers a layer.
 * @returns columns layer, head, query, key (positions, from 0), weight: all pairs key <= query; a query's weights add up to 1
 * @throws Error when no layer has attention, a layer or head asked for has none, or a token is not in the vocabulary
 */
export async function attentionMaps(
  gpu: Gpu,
  parameters: Parameters,
  ids: ArrayLike<number>,
  options: MapOptions = {},
): Promise<ColumnTable> {
  const look: Look<LayerMaps> = ({ layer, tensor, mixing }, copy, tape) => {
    if (mixing?.kind !== "attention" || !isWanted(options.layers, layer)) return undefined;
    const weights = attentionWeights(tape, tensor, mixing.options);
    const copied = copy(weights);
    tape.arena.release(weights);
    const { heads } = mixing.options;
    const size = ids.length ** 2;
    return () => ({ layer, heads, map: (head) => copied.values.subarray(head * size, (head + 1) * size) });
  };
  const maps = await lookInside(gpu, parameters, ids, look);
  return tidy(parameters, ids.length, "attention", maps, options);
}

export interface MambaMapOptions extends MapOptions, ImplicitOptions {}

/**
 * Mamba's implicit attention (Dao and Gu 2024, arXiv:2405.21060, §3; Ali et al. 2024, arXiv:2403.01590): the matrix M with
 * y = M x, x being the scan's input after the convolution. For a head of Mamba-2
 * M[t, s] = C_t · B_s · exp(Σ_{s < r <= t} dt_r A) · dt_s, plus D where t = s; in Mamba-1 every channel is such a head, with an
 * A for each element of the state (before its gate; there are many: choose some). Computed in float64. Weights may be negative;
 * `normalise` makes them comparable with attention.
 * @returns columns layer, head, query (t), key (s), weight: all pairs key <= query
 * @throws Error when no layer has Mamba, a layer or head asked for has none, or a token is not in the vocabulary
 */
export async function mambaAttention(
  gpu: Gpu,
  parameters: Parameters,
  ids: ArrayLike<number>,
  options: MambaMapOptions = {},
): Promise<ColumnTable> {
  const look: Look<LayerMaps> = ({ layer, tensor, mixing }, copy) => {
    if (!isWanted(options.layers, layer)) return undefined;
    if (mixing?.kind === "ssd") {
      const [xBC, dtSource] = [copy(tensor), copy(mixing.dtSource)];
      const weights = mixing.weights.map(copy);
      return () => {
        const [dtBias, aLog, d] = weights.map(({ values }) => values);
        const scan = { xBC: xBC.values, dtSource: dtSource.values, dtBias, aLog, d, ...mixing.options };
        return { layer, heads: mixing.options.heads, map: (head) => headMatrix(scan, head, options) };
      };
    }
    if (mixing?.kind === "selective scan") {
      const { inputs, weights } = mixing;
      const [dt, b, c] = [copy(inputs.dt), copy(inputs.b.source), copy(inputs.c.source)];
      const [aLog, dtBias, d] = [copy(weights.aLog), copy(weights.dtBias), copy(weights.d)];
      return () => {
        const scan = {
          dt: dt.values,
          b: { values: b.values, column: inputs.b.column },
          c: { values: c.values, column: inputs.c.column },
          aLog: aLog.values,
          dtBias: dtBias.values,
          d: d.values,
          ...mixing.options,
        };
        return { layer, heads: scan.channels, map: (channel) => channelMatrix(scan, channel, options) };
      };
    }
    return undefined;
  };
  const maps = await lookInside(gpu, parameters, ids, look);
  return tidy(parameters, ids.length, "Mamba", maps, options);
}

const isWanted = (wanted: readonly number[] | undefined, index: number) => !wanted || wanted.includes(index);

/** One row for each pair of tokens, key <= query. Heads of a layer that attends more than once are counted on. */
function tidy(
  { config }: Parameters,
  length: number,
  what: string,
  maps: LayerMaps[],
  { layers, heads }: MapOptions,
): ColumnTable {
  const layersOf = new Set(maps.map(({ layer }) => layer));
  if (maps.length === 0 && !layers) throw new Error(`No layer of the pattern ${config.pattern} has ${what}.`);
  const without = layers?.find((layer) => !layersOf.has(layer));
  if (without !== undefined) {
    const spec = blocksOf(config).find(({ layer, spec }) => layer === without && spec.role === "mixer")?.spec;
    const known = spec ? `is ${spec.letter} (${spec.meaning})` : `is not in the pattern ${config.pattern}`;
    throw new Error(`layers: layer ${without} has no map of ${what}: it ${known}.`);
  }
  const counted = new Map<number, number>();
  const chosen = maps.flatMap(({ layer, heads: count, map }) => {
    const before = counted.get(layer) ?? 0;
    counted.set(layer, before + count);
    const all = Array.from({ length: count }, (_, head) => ({ layer, head: before + head, map: () => map(head) }));
    return all.filter(({ head }) => isWanted(heads, head));
  });
  const missing = heads?.find((head) => [...counted.values()].some((count) => head >= count || head < 0));
  if (missing !== undefined) {
    const counts = [...counted].map(([layer, count]) => `layer ${layer} has ${count}`).join(", ");
    throw new Error(`heads: there is no head ${missing} in every layer: ${counts}.`);
  }
  const pairs = (length * (length + 1)) / 2;
  const rows = pairs * chosen.length;
  const index = () => new Uint32Array(rows);
  const columns = { layer: index(), head: index(), query: index(), key: index(), weight: new Float64Array(rows) };
  let row = 0;
  for (const { layer, head, map } of chosen) {
    const weights = map();
    columns.layer.fill(layer, row, row + pairs);
    columns.head.fill(head, row, row + pairs);
    for (let query = 0; query < length; query++) {
      for (let key = 0; key <= query; key++, row++) {
        columns.query[row] = query;
        columns.key[row] = key;
        columns.weight[row] = weights[query * length + key];
      }
    }
  }
  return table(columns);
}
