/** The claims of Tables 6 and 18 to 20 and of Appendix Q, judged by our runs. */

import type { ByLabel } from "./by-seed.js";
import { judge, type Part, part, type UnjudgedClaim } from "./claims.js";
import { inWords, type PaperTables, type StudyRuns, signed, type Verdict } from "./finding.js";
import { alphaInterval, mambaLeads, thirds, withAlphas } from "./fusion-alpha.js";
import { type FusionPair, fusionAxis, pairsOf, paperEffect } from "./fusion-axes.js";
import { type DimensionRatio, dimensionLabels, paperDimensionLoss } from "./fusion-dimensions.js";
import { comparedDesigns, designRuns } from "./fusion-studies.js";
import { contrast, lossesByLabel } from "./losses.js";
import { type PaperSize, paperSizes } from "./paper-names.js";
import { mean } from "./stats.js";

const moreSeeds = "More seeds narrow the intervals";

/** Leaves out the claims whose models are not all among the runs. */
export function fusionVerdicts(runs: StudyRuns, paper: PaperTables): Verdict[] {
  const designs = { losses: lossesByLabel(designRuns(runs)), labels: comparedDesigns(runs) };
  const dimensions = lossesByLabel(runs.get("fusion-dimensions") ?? []);
  const claims = [
    axisClaim("group norm − none", "Normalising each branch before they are fused lowers the loss.", designs, paper),
    axisClaim("vector scale − none", "Scaling each branch by a learned vector raises the loss.", designs, paper, -1),
    betterThanAdding(designs, paper),
    axisClaim(
      "separate output − joint",
      "An output projection for each branch lowers the loss against one for both.",
      designs,
      paper,
    ),
    widerAttention(dimensions, paper),
    ...alphaClaims(runs),
  ];
  return claims.flatMap(judge);
}

/** The designs that are compared: a claim about an axis needs all their pairs. */
interface Designs {
  losses: ByLabel;
  labels: readonly string[];
}

/** The mean effect over the pairs of an axis; `sign` -1 turns it round. */
function axisPart(name: string, { losses, labels }: Designs, sign: 1 | -1 = 1): Part | undefined {
  const pairs = pairsOf(fusionAxis(name), labels);
  const [a, b] = (["a", "b"] as const).map((side) => pairs.map((pair) => pair[side].label));
  const shown = sign === 1 ? name : name.split(" − ").reverse().join(" − ");
  return part(shown, sign === 1 ? contrast(losses, a, b) : contrast(losses, b, a));
}

function axisClaim(name: string, claim: string, designs: Designs, paper: PaperTables, sign: 1 | -1 = 1): UnjudgedClaim {
  const pairs = pairsOf(fusionAxis(name), designs.labels);
  const count = pairs.length === 1 ? "one pair" : `${pairs.length} pairs`;
  const printed = pairsOf(fusionAxis(name), comparedDesigns("all"));
  const untrained = printed.length - pairs.length;
  const others =
    untrained > 0
      ? `; over the ${printed.length} printed, of which ${untrained} ${untrained === 1 ? "is" : "are"} not trained here, ${paperMeans(printed, paper)}`
      : "";
  return {
    claim,
    paper: `Tables 18 and 19, ${name}, mean over ${count}: ${paperMeans(pairs, paper)}${others}.`,
    parts: [axisPart(name, designs, sign)],
    evidence: ([own]) => `${own.name}, mean over ${count}: ${inWords(own.interval)}.`,
    change: `${moreSeeds}; the effect is a mean over the designs tried, those of 4M weights all at the learning rate found for the 1:5 intra-hybrid: other designs, or rates of their own, may show another.`,
  };
}

function paperMeans(pairs: readonly FusionPair[], paper: PaperTables): string {
  const at = (size: PaperSize) => `${signed(mean(pairs.map((pair) => paperEffect(paper, size, pair))))} at ${size}`;
  return paperSizes.map(at).join(" and ");
}

function betterThanAdding(designs: Designs, paper: PaperTables): UnjudgedClaim {
  const { losses, labels } = designs;
  const pairs = (name: string) => pairsOf(fusionAxis(name), labels);
  const names = ["subtract − add", "concatenate − add"] as const;
  const subtracted = pairs(names[0]);
  const same = subtracted.filter((pair) => pair.same);
  const count = same.length === subtracted.length ? `All ${same.length}` : `${same.length} of the`;
  const [a, b] = (["a", "b"] as const).map((side) => same.map((pair) => pair[side].label));
  return {
    claim: "Subtracting or concatenating the branches is better than adding them.",
    paper: `Tables 18 and 19: ${names.map((name) => `${name} ${paperMeans(pairs(name), paper)}`).join("; ")}.`,
    parts: names.map((name) => axisPart(name, designs)),
    evidence: (parts) => {
      const noise = contrast(losses, a, b);
      const known = noise
        ? ` ${count} pairs of subtract and add are one model by its symmetry (attention's own values or output turn its sign), and differ by noise: ${inWords(noise)}.`
        : "";
      return `${parts.map(({ name, interval }) => `${name} is ${inWords(interval)}`).join(", ")}.${known}`;
    },
    change:
      "Subtracting cannot differ from adding where attention has values or an output projection of its own: designs that share both would decide about subtraction.",
  };
}

/** Of the steps from the widest attention to the narrowest. */
const ordinals = ["first", "second", "third"] as const;

function widerAttention(losses: ByLabel, paper: PaperTables): UnjudgedClaim {
  const steps = dimensionLabels.slice(1).map((narrow, i) => [dimensionLabels[i], narrow] as const);
  const gap = (size: PaperSize, [a, b]: readonly [DimensionRatio, DimensionRatio]) =>
    paperDimensionLoss(paper, size, a) - paperDimensionLoss(paper, size, b);
  const theirs = (size: PaperSize) => steps.map(([a, b]) => `${a} − ${b} ${signed(gap(size, [a, b]))}`).join(", ");
  const against = paperSizes.flatMap((size) => {
    const failing = steps.flatMap((step, i) => (gap(size, step) < 0 ? [] : [`the ${ordinals[i]} step`]));
    return failing.length > 0 ? [`; the paper's own ${size} models do not bear out ${failing.join(" and ")}`] : [];
  });
  return {
    claim: "The wider attention is in a hybrid layer, the lower the loss: 2:1 before 1:1, 1:2 and 1:10.",
    paper: `Table 20: at 1B ${theirs("1B")}; at 350M ${theirs("350M")}.`,
    parts: steps.map(([a, b]) => part(`${a} − ${b}`, contrast(losses, [a], [b]))),
    evidence: (parts) => `${parts.map(({ name, interval }) => `${name} is ${inWords(interval)}`).join(", ")}.`,
    change: `${moreSeeds}${against.join("")}.`,
  };
}

function alphaClaims(runs: StudyRuns): UnjudgedClaim[] {
  const own = withAlphas(runs).get("fusion-alpha") ?? [];
  if (own.length === 0) return [];
  const paper = "Appendix Q (350M, 12 layers, Figure 8; no values printed):";
  const change = "α says how branches are weighed, not how much each does: their norms and projections count too.";
  const early = (alphas: readonly number[]) => thirds(alphas).early;
  const middle = (alphas: readonly number[]) => thirds(alphas).middle;
  const rest = (alphas: readonly number[]) => mean(alphas.slice(1));
  const outside = (alphas: readonly number[]) => {
    const far = alphas.filter((_, i) => Math.abs((i + 0.5) / alphas.length - 0.5) > 1 / 6);
    return mean(far);
  };
  /** Mean α, Mamba-2's share, of some layers. */
  const share = (of: (alphas: readonly number[]) => number) =>
    inWords(alphaInterval(own, of), (value) => value.toFixed(3));
  const first = (alphas: readonly number[]) => alphas[0];
  return [
    {
      claim: "With a learned α, Mamba-2 has more weight than attention in the first third of the layers.",
      paper: `${paper} Mamba dominates in early layers.`,
      parts: [
        part(
          "½ − α of the first third",
          alphaInterval(own, (alphas) => 0.5 - early(alphas)),
        ),
      ],
      evidence: () =>
        `α, Mamba-2's share, of the first third is ${share(early)}; of the last third ${share((alphas) => thirds(alphas).late)}. It is above ½ in ${mambaLeads(own)}.`,
      change,
    },
    {
      claim: "Mamba-2's weight is the greatest in the first layer.",
      paper: `${paper} Mamba dominates above all in the first layer.`,
      parts: [
        part(
          "mean α of the others − α of the first layer",
          alphaInterval(own, (alphas) => rest(alphas) - first(alphas)),
        ),
      ],
      evidence: () => `α, Mamba-2's share, of the first layer is ${share(first)}, the others' mean ${share(rest)}.`,
      change,
    },
    {
      claim: "Attention has more weight in the middle of the stack than elsewhere.",
      paper: `${paper} attention has more weight in the middle (layers 6 and 7).`,
      parts: [
        part(
          "α of the middle third − α of the others",
          alphaInterval(own, (alphas) => middle(alphas) - outside(alphas)),
        ),
      ],
      evidence: () => `α, Mamba-2's share, of the middle third is ${share(middle)}, of the others ${share(outside)}.`,
      change,
    },
  ];
}
