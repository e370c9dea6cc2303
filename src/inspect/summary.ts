import { type ColumnTable, table } from "arquero";

/** Sums over a query's weights. */
interface Row {
  total: number;
  /** Σ w ln w */
  logs: number;
  /** Σ w (query - key) */
  distances: number;
  keys: number;
}

/**
 * How wide and how far each head looks, from `attentionMaps` or `mambaAttention`; of negative weights the size counts. Means over the
 * queries that see two tokens or more.
 *
 * @returns a row for each layer and head: entropy (nats) of a query's weights; evenness, the entropy divided by that of equal weights
 * on all earlier tokens and itself, 0 to 1; distance, the mean of query - key under the weights (tokens)
 * @throws Error when the table lacks one of the columns layer, head, query, key, weight
 */
export function attentionSummary(maps: ColumnTable): ColumnTable {
  const names = ["layer", "head", "query", "key", "weight"];
  const missing = names.find((name) => !maps.columnNames().includes(name));
  if (missing) {
    throw new Error(`The table has no column "${missing}"; attentionMaps and mambaAttention give ${names.join(", ")}.`);
  }
  const [layer, head, query, key, weight] = names.map((name) => maps.array(name) as ArrayLike<number>);
  const heads = new Map<string, { layer: number; head: number; rows: Map<number, Row> }>();
  for (let i = 0; i < weight.length; i++) {
    const name = `${layer[i]} ${head[i]}`;
    const found = heads.get(name) ?? { layer: layer[i], head: head[i], rows: new Map<number, Row>() };
    heads.set(name, found);
    const row = found.rows.get(query[i]) ?? { total: 0, logs: 0, distances: 0, keys: 0 };
    found.rows.set(query[i], row);
    const size = Math.abs(weight[i]);
    row.total += size;
    row.logs += size > 0 ? size * Math.log(size) : 0;
    row.distances += size * (query[i] - key[i]);
    row.keys++;
  }
  const summaries = [...heads.values()].map(({ layer, head, rows }) => {
    const counted = [...rows.values()].filter(({ total, keys }) => total > 0 && keys > 1);
    const mean = (of: (row: Row) => number) => counted.reduce((sum, row) => sum + of(row), 0) / counted.length;
    const entropy = ({ total, logs }: Row) => Math.log(total) - logs / total;
    return {
      layer,
      head,
      entropy: mean(entropy),
      evenness: mean((row) => entropy(row) / Math.log(row.keys)),
      distance: mean(({ total, distances }) => distances / total),
    };
  });
  const column = (of: (summary: (typeof summaries)[number]) => number) => summaries.map(of);
  return table({
    layer: column((summary) => summary.layer),
    head: column((summary) => summary.head),
    entropy: column((summary) => summary.entropy),
    evenness: column((summary) => summary.evenness),
    distance: column((summary) => summary.distance),
  });
}
