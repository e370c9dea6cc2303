import * as Plot from "@observablehq/plot";
import type { RunRecord } from "../runs/types.js";
import { fourArchitectures } from "./models.js";
import { type Gain, type MoeSetting, moeLabel, type PaperMoe, paperGain } from "./moe-losses.js";
import { architectureColor, architectureStyle, architectureSymbol, ink, plotDefaults, surface } from "./theme.js";

const labels = fourArchitectures.map((key) => architectureStyle(key).label);

/** What experts change of the loss, per architecture: ours with 95 % intervals, the paper's beside it where both are a token's. */
export function moeFigure(
  gains: readonly Gain[],
  paper: readonly PaperMoe[],
  document: Document,
  { words, per }: MoeSetting,
): SVGSVGElement | HTMLElement {
  const ours = gains.map(({ model, interval: { mean, low, high } }) => ({
    model: architectureStyle(model).label,
    mean,
    low,
    high,
  }));
  const known = ours.filter(({ low }) => Number.isFinite(low));
  const printed = per === "token" ? fourArchitectures : [];
  const theirs = printed.map((key) => ({ model: architectureStyle(key).label, mean: paperGain(paper, key) }));
  const named = [
    { ...ours[0], text: "ours", dy: -24, fill: architectureStyle(gains[0].model).colour },
    ...theirs.slice(0, 1).map((first) => ({ ...first, text: "paper, 1B", dy: 32, fill: ink })),
  ];
  return Plot.plot({
    ...plotDefaults,
    document,
    height: 330,
    marginLeft: 96,
    marginRight: 24,
    marginBottom: 44,
    title: `What experts change of the validation loss${words}`,
    caption: `Loss with one shared and the best of eight experts, less that of the dense model with as many active weights. Ours: mean over seeds with its 95 % interval, paired by seed. ${per === "token" ? "Paper: Table 4, one run each." : "The paper's losses, of tokens, have another unit."}`,
    x: { label: `loss with experts − dense (nats a ${per}) →`, labelArrow: "none", grid: true, nice: true },
    y: { type: "band", domain: labels, label: null, padding: 0.1 },
    color: architectureColor(fourArchitectures),
    symbol: architectureSymbol(fourArchitectures),
    marks: [
      Plot.ruleX([0], { stroke: ink, strokeOpacity: 0.5 }),
      Plot.ruleY(known, {
        y: "model",
        x1: "low",
        x2: "high",
        dy: -8,
        stroke: "model",
        strokeWidth: 2,
        strokeOpacity: 0.6,
      }),
      Plot.dot(ours, { x: "mean", y: "model", dy: -8, r: 5, fill: "model", symbol: "model", stroke: surface }),
      Plot.dot(theirs, { x: "mean", y: "model", dy: 14, r: 5, stroke: "model", symbol: "model", fill: surface }),
      ...named.map(({ text, dy, fill, ...point }) =>
        Plot.text([point], { x: "mean", y: "model", text: () => text, dy, fill, stroke: surface, strokeWidth: 4 }),
      ),
    ],
  });
}

/**
 * Each expert's tokens in the last step of the first seed, as a multiple of the mean expert's, layer by layer.
 * @param words ends the title, such as ", on bytes"
 */
export function loadFigure(runs: readonly RunRecord[], document: Document, words: string): SVGSVGElement | HTMLElement {
  const points = fourArchitectures.flatMap((key) => {
    const run = runs.find(({ label }) => label === moeLabel(key, "experts"));
    return (run?.result.routers ?? []).flatMap(({ layer, load }) =>
      load.map((share) => ({ model: architectureStyle(key).label, layer: layer + 1, load: share * load.length })),
    );
  });
  const layers = Math.max(...points.map(({ layer }) => layer));
  return Plot.plot({
    ...plotDefaults,
    document,
    height: 300,
    marginLeft: 44,
    marginTop: 50,
    marginBottom: 42,
    marginRight: 6,
    title: `How evenly tokens spread over the experts${words}`,
    caption:
      "One mark an expert: its tokens in the last training step over the mean expert's, first seed. At 1 all experts have as many.",
    fx: { domain: labels, label: null, padding: 0.06 },
    x: {
      label: "layer →",
      domain: [0.5, layers + 0.5],
      ticks: 5,
      tickFormat: (layer: number) => (Number.isInteger(layer) ? String(layer) : ""),
    },
    y: { label: "↑ tokens, as a multiple of the mean", labelArrow: "none", grid: true, nice: true, zero: true },
    color: architectureColor(fourArchitectures),
    marks: [
      Plot.ruleY([1], { stroke: ink, strokeOpacity: 0.6 }),
      Plot.dot(points, { fx: "model", x: "layer", y: "load", r: 2.5, stroke: "model", strokeOpacity: 0.8 }),
    ],
  });
}
