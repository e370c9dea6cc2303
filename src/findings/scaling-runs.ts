/** Our scaling runs as points, and the reasonable ways to fit them. */

import { cost } from "../cost/index.js";
import type { RunRecord } from "../runs/types.js";
import { type Row, rounded, type StudyRuns } from "./finding.js";
import { recordedData } from "./protocol.js";
import { leastPoints } from "./scaling-law.js";
import type { IsoPoint, Reading } from "./scaling-optima.js";
import { isoFlopStudies, scalingLabel } from "./scaling-studies.js";
import { architectureStyle } from "./theme.js";

/** BPE tokens of the 165 training books (data/tokenizers/README.md): what lies beyond is read again. */
const corpusTokens = 39_271_599;

/** The runs to fit, of all seeds that are there; empty where none are. */
export function scalingRuns(runs: StudyRuns): RunRecord[] {
  return isoFlopStudies.flatMap(({ name }) => [...(runs.get(name) ?? [])]);
}

function pointOf({ label, spec, result }: RunRecord, size: "nonEmbedding" | "total"): IsoPoint {
  const { model, dModel, budget } = scalingLabel(label);
  const step = `d${dModel}, seed ${spec.seed}`;
  return { model, budget, step, size: result.params[size], tokens: result.tokens, loss: result.validation.nllPerToken };
}

/** The first is the paper's procedure; the others change one thing each. */
export function runReadings(runs: readonly RunRecord[]): Reading[] {
  const points = runs.map((run) => pointOf(run, "nonEmbedding"));
  const models = points.map(({ model }) => model);
  return [
    {
      name: "all sizes",
      about: "A parabola in ln N through all sizes of a budget, N without the embedding: the paper's procedure",
      method: "all",
      points,
    },
    {
      name: "three sizes",
      about: "Through the three sizes around the best, so that models far from the optimum do not bend the parabola",
      method: "three",
      points,
    },
    {
      name: "one curvature",
      about: "All budgets of an architecture share the parabola's curvature",
      method: "shared",
      points,
    },
    {
      name: "with embedding",
      about: "N counted with the embedding",
      method: "all",
      points: runs.map((run) => pointOf(run, "total")),
    },
    // Smoke trains fewer models than the law needs.
    ...([...new Set(models)].every((model) => models.filter((other) => other === model).length >= leastPoints)
      ? ([
          {
            name: "law",
            about: "L = E + A / N^α + B / D^β through all runs of an architecture; its minimum at each budget",
            method: "law",
            points,
          },
        ] as const)
      : []),
  ];
}

/** One row a run: sizes in weights, the FLOPs that it took, how often it read the corpus, and the loss. */
export function runRows(runs: readonly RunRecord[]): Row[] {
  const rows = runs.map(({ label, spec, result }) => {
    const { model, dModel, budget } = scalingLabel(label);
    const { trainFlops } = cost(spec.config, { context: spec.batch.length, tokens: result.tokens });
    const known = spec.data.sha256 === recordedData.bpe.identity.sha256 && spec.data.tokenizer === "bpe";
    return {
      model: architectureStyle(model).label,
      dModel,
      budget,
      seed: spec.seed,
      weights: result.params.nonEmbedding,
      withEmbedding: result.params.total,
      trainFlops: Number(trainFlops.toPrecision(4)),
      steps: result.steps,
      tokens: result.tokens,
      tokensPerWeight: rounded(result.tokens / result.params.nonEmbedding, 2),
      epochs: known ? rounded(result.tokens / corpusTokens, 2) : null,
      lr: spec.optimizer.lr,
      nllPerToken: rounded(result.validation.nllPerToken, 4),
      nllPerByte: rounded(result.validation.nllPerByte, 4),
    };
  });
  const order = [...new Set(rows.map(({ model }) => model))];
  return rows.sort(
    (a, b) =>
      a.budget - b.budget || order.indexOf(a.model) - order.indexOf(b.model) || a.dModel - b.dModel || a.seed - b.seed,
  );
}
