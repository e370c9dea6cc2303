import { activeWeights } from "../cost/cost.js";
import type { RunRecord } from "../runs/types.js";
import { accuracies } from "./accuracy.js";
import { type Row, rounded } from "./finding.js";
import { fourArchitectures } from "./models.js";
import { gains, type MoeSetting, moeLabel, networks, type PaperMoe, paperGain } from "./moe-losses.js";
import { differenceColumns, lossColumns } from "./result-columns.js";
import { mean } from "./stats.js";
import { architectureStyle } from "./theme.js";

/**
 * One row a model. `vsDense` is the mean paired difference of the loss to the dense model, with the half-width of its 95 %
 * interval behind; accuracies are percent; `maxLoad` is the busiest expert's tokens over the mean expert's, of the last step, mean over
 * layers and seeds; `entropy` that of the router's distribution over its maximum. Weights are those of mixers and networks.
 */
export function moeRows(runs: readonly RunRecord[], paper: readonly PaperMoe[], { per }: MoeSetting): Row[] {
  const ours = gains(runs);
  return fourArchitectures.flatMap((model) =>
    networks.flatMap((network): Row[] => {
      const own = runs.filter(({ label }) => label === moeLabel(model, network));
      if (own.length === 0) return [];
      const { seeds, ...losses } = lossColumns(own);
      const gain = network === "experts" ? ours.find((one) => one.model === model)?.interval : undefined;
      const theirs = paper.find((row) => row.model === model && row.network === network);
      const load = routerRows(own);
      const average = (name: "maxLoad" | "entropy") =>
        load.length > 0 ? rounded(mean(load.map((row) => Number(row[name]))), 3) : null;
      return [
        {
          model: architectureStyle(model).label,
          network,
          seeds,
          activeWeights: activeWeights(own[0].spec.config),
          weights: own[0].result.params.nonEmbedding,
          ...losses,
          ...differenceColumns("vsDense", gain),
          paper1B: per === "token" ? (theirs?.nll ?? null) : null,
          paper1BVsDense: network === "experts" && per === "token" ? rounded(paperGain(paper, model), 3) : null,
          ...accuracies(own),
          paper1BAccuracy: theirs?.accuracy ?? null,
          maxLoad: average("maxLoad"),
          entropy: average("entropy"),
        },
      ];
    }),
  );
}

/** One row an architecture and layer: loads of the last step as multiples of the mean expert's, means over seeds. */
export function loadRows(runs: readonly RunRecord[]): Row[] {
  return fourArchitectures.flatMap((model) => {
    const rows = routerRows(runs.filter(({ label }) => label === moeLabel(model, "experts")));
    const layers = [...new Set(rows.map(({ layer }) => layer))].sort((a, b) => a - b);
    return layers.map((layer) => {
      const own = rows.filter((row) => row.layer === layer);
      const average = (name: "maxLoad" | "minLoad" | "entropy") => rounded(mean(own.map((row) => row[name])), 3);
      return {
        model: architectureStyle(model).label,
        layer: layer + 1,
        seeds: own.length,
        maxLoad: average("maxLoad"),
        minLoad: average("minLoad"),
        entropy: average("entropy"),
      };
    });
  });
}

interface RouterRow {
  /** 0-based. */
  layer: number;
  maxLoad: number;
  minLoad: number;
  /** Over its maximum, the logarithm of the number of experts. */
  entropy: number;
}

function routerRows(runs: readonly RunRecord[]): RouterRow[] {
  return runs.flatMap(({ result }) =>
    (result.routers ?? []).map(({ layer, load, entropy }) => ({
      layer,
      maxLoad: Math.max(...load) * load.length,
      minLoad: Math.min(...load) * load.length,
      entropy: entropy / Math.log(load.length),
    })),
  );
}
