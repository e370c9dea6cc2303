/** Figures and table of recorded maps (`braid maps`): how evenly and how far each layer looks, and what it looks at. */

import * as Plot from "@observablehq/plot";
import { type Branch, type MapsFile, mapTable } from "../inspect/map-file.js";
import { type Row, rounded } from "./finding.js";
import { type MapPanel, mapsFigure } from "./inside-maps-figure.js";
import { mean } from "./stats.js";
import { architectureStyle, ink, plotDefaults } from "./theme.js";

const styles = { attention: architectureStyle("transformer"), mamba: architectureStyle("mamba") } as const;
const words: Readonly<Record<Branch, string>> = { attention: "attention", mamba: "Mamba-2" };

/** One row a model, layer (from 1, as in Tables 17 and 21) and branch: means over heads, and the least and most even head. */
export function mapRows({ models }: MapsFile): Row[] {
  return models.flatMap(({ name, summaries }) => {
    const keys = [...new Set(summaries.map(({ layer, branch }) => `${layer} ${branch}`))];
    const of = (key: string) => summaries.filter(({ layer, branch }) => `${layer} ${branch}` === key);
    return keys
      .map(of)
      .sort(([a], [b]) => a.layer - b.layer)
      .map((heads): Row => {
        const evenness = heads.map((head) => head.evenness);
        return {
          model: name,
          layer: heads[0].layer + 1,
          branch: words[heads[0].branch],
          heads: heads.length,
          evenness: rounded(mean(evenness), 2),
          least: rounded(Math.min(...evenness), 2),
          most: rounded(Math.max(...evenness), 2),
          distance: rounded(mean(heads.map((head) => head.distance)), 1),
        };
      });
  });
}

/** Evenness of every head against the layer, model by model. */
export function evennessFigure({ text, models }: MapsFile, document: Document): SVGSVGElement | HTMLElement {
  const heads = models.flatMap(({ name, summaries }) =>
    summaries.map(({ layer, branch, evenness }) => ({
      name,
      layer: layer + 1,
      branch,
      evenness,
      mixer: words[branch],
    })),
  );
  const most = Math.max(...models.map(({ pattern }) => pattern.length));
  const reads = [...new Set(models.map(({ read }) => read))].join(" or ");
  // Of models from elsewhere the file does not know how they were trained.
  const trained = models.every(({ run }) => run !== undefined) ? " One run a model." : "";
  const branches = (["attention", "mamba"] as const).filter((branch) => heads.some((head) => head.branch === branch));
  return Plot.plot({
    ...plotDefaults,
    document,
    height: 130 * models.length + 60,
    marginLeft: 60,
    marginRight: 24,
    marginTop: 38,
    marginBottom: 44,
    title: "How evenly does each head look at the text?",
    caption: `Entropy of a token's weights over that of equal weights on itself and all before it, mean over the first ${reads} tokens of ${text} without the very first: 1 looks everywhere alike, 0 at one token. Of Mamba-2: |M| of its implicit attention.${trained}`,
    x: {
      domain: [0.5, most + 0.5],
      ticks: Array.from({ length: most }, (_, i) => i + 1),
      tickFormat: String,
      label: "layer",
      labelAnchor: "center",
      labelArrow: "none",
    },
    y: { domain: [0, 1], ticks: 3, grid: true, label: "↑ evenness", labelArrow: "none" },
    fy: { domain: models.map(({ name }) => name), axis: null, padding: 0.28 },
    symbol: {
      domain: branches.map((branch) => words[branch]),
      range: branches.map((branch) => styles[branch].symbol),
      legend: true,
    },
    color: { domain: branches.map((branch) => words[branch]), range: branches.map((branch) => styles[branch].colour) },
    marks: [
      Plot.dot(heads, {
        fy: "name",
        x: "layer",
        y: "evenness",
        r: 3.5,
        stroke: "mixer",
        symbol: "mixer",
      }),
      Plot.text(models, {
        fy: "name",
        text: ({ name, pattern }) => `${name} (${pattern})`,
        frameAnchor: "top-left",
        dy: -14,
        fontWeight: "bold",
        fill: ink,
      }),
    ],
  });
}

/**
 * Maps of the two lowest layers that were kept of each model, beside each other and named above them: means over the heads.
 * @throws Error when models divide the text into different tokens
 */
export function keptMapsFigure({ models }: MapsFile, document: Document): SVGSVGElement | HTMLElement {
  const [{ tokens }] = models;
  const other = models.find((model) => model.tokens.join() !== tokens.join());
  if (other) throw new Error(`${other.name} has other tokens than ${models[0].name}: draw them apart`);
  const panels = models.flatMap((model): MapPanel[] => {
    const layers = [...new Set(model.maps.map(({ layer }) => layer))].sort((a, b) => a - b).slice(0, 2);
    return layers.flatMap((layer) => {
      const branches = new Set(model.maps.filter((map) => map.layer === layer).map(({ branch }) => branch));
      return [...branches].map((branch) => ({
        title: `${model.name}, layer ${layer + 1} (${words[branch]})`,
        maps: mapTable(model, branch),
        layer,
      }));
    });
  });
  return mapsFigure(panels, tokens.map(String), document);
}
