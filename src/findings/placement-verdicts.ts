/** The claims of Tables 11, 17 and 21, judged by our runs. */

import type { ByLabel } from "./by-seed.js";
import { seedsInWords } from "./change.js";
import { counted, judge, type Part, part, type UnjudgedClaim } from "./claims.js";
import { divergedInWords } from "./diverged.js";
import { inWords, type PaperTables, signed, type Verdict } from "./finding.js";
import { contrast } from "./losses.js";
import { hybridLayers } from "./models.js";
import { type PaperSize, paperSizes } from "./paper-names.js";
import { layersOf, middleAt, middleLayer, type PlacementLosses, type Third, thirdOf } from "./placement-losses.js";
import {
  type InterPlace,
  middleOf,
  otherwisePrinted,
  type PaperSingle,
  paperIntra,
  paperPlaced,
  paperSingles,
  paperWindowed,
  type Ratio,
} from "./placement-paper.js";
import { intraStudy, ratios } from "./placement-studies.js";
import { mean } from "./stats.js";

/** The seeds that open comparisons need; where none is open, what else. */
const seedsOr = (otherwise: string) => (parts: readonly Part[]) => seedsInWords(parts) ?? otherwise;

/** The comparison that is furthest from the claim. */
const furthest = (parts: readonly Part[]) => [...parts].sort((a, b) => b.interval.mean - a.interval.mean)[0];

/** Leaves out the claims whose models are not all among the losses. */
export function placementVerdicts(losses: PlacementLosses, paper: PaperTables): Verdict[] {
  const claims = [
    firstIsWorse(losses, paper),
    firstIsWorst(losses, paper),
    frontIsWorse(losses, paper),
    middleThird(losses, paper),
    endIsWorse(losses, paper),
    sandwichIsWorse(losses, paper),
    clusterIsWorse(losses, paper),
    frontIsWorseAmongWindows(losses, paper),
  ];
  return claims.flatMap(judge);
}

function firstIsWorse({ depths }: PlacementLosses, paper: PaperTables): UnjudgedClaim {
  return {
    claim: "One attention layer is worse as the first layer than in the middle of the stack.",
    paper: `Table 17: the middle is ${ofSingles(paper, middleLessFirst)} against the first layer.${printedTwice(paper, middleLessFirst)}`,
    parts: [part(`${middleLayer} − layer 1`, contrast(depths, [middleLayer], ["layer 1"]))],
    evidence: ([own]) => `${middleLayer} is ${inWords(own.interval)} against layer 1.`,
    change: seedsOr("Another recipe, size or text."),
  };
}

function firstIsWorst({ depths }: PlacementLosses, paper: PaperTables): UnjudgedClaim {
  const others = Array.from({ length: hybridLayers - 1 }, (_, i) => `layer ${i + 2}`);
  return {
    claim: "The first layer is the worst of all places for one attention layer.",
    paper: `Table 17: of the other depths even the worst is ${ofSingles(paper, worstLessFirst)} against the first layer.`,
    parts: others.map((label) => part(`${label} − layer 1`, contrast(depths, [label], ["layer 1"]))),
    evidence: (parts) => {
      const worst = furthest(parts);
      return `${counted(parts)} The worst of the others is ${worst.name.split(" − ")[0]}: ${inWords(worst.interval)} against layer 1.`;
    },
    change: (parts) =>
      seedsInWords([furthest(parts)]) ?? "One depth that is surely no better than the first contradicts it.",
  };
}

function frontIsWorse({ ratios: losses }: PlacementLosses, paper: PaperTables): UnjudgedClaim {
  return {
    claim: "At 1:1, 1:3 and 1:5, moving the first attention layer to the front makes the model worse.",
    paper: `Table 17, middle (at 1:1 the end) against front: ${byRatio(paper, ratios, "middle", "front")} (for the 1B model with 1:3 in front it prints the Transformer's losses).`,
    parts: frontParts(losses),
    evidence: (parts) => `${counted(parts)} ${list(parts)}.`,
    change: seedsOr("Another recipe, size or text."),
  };
}

/** The middle of each ratio less its front; `among` ends the names where two kinds of layers have such places. */
const frontParts = (losses: ByLabel, among = "") =>
  ratios.map((ratio) => {
    const middle = middleAt(ratio);
    return part(`${middle} − ${ratio} front${among}`, contrast(losses, [middle], [`${ratio} front`]));
  });

function middleThird({ depths }: PlacementLosses, paper: PaperTables): UnjudgedClaim {
  const labels = (third: Third) => layersOf(third).map((depth) => `layer ${depth}`);
  const range = (third: Third) => `${layersOf(third)[0]} to ${layersOf(third).at(-1)}`;
  const against = (third: Third) =>
    part(`layers ${range("middle")} − layers ${range(third)}`, contrast(depths, labels("middle"), labels(third)));
  return {
    claim: `The middle is the best place for one attention layer: better on average (layers ${range("middle")} of ${hybridLayers}) than earlier, the first layer not counted, and than later.`,
    paper: `Table 17, means over the depths tried, in thirds of each model's own layers: the middle third is ${ofSingles(paper, lessThird("early"))} against the early one, ${ofSingles(paper, lessThird("late"))} against the late one.${printedTwice(paper, lessThird("early"), lessThird("late"))}`,
    parts: [against("early"), against("late")],
    evidence: (parts) => `${list(parts)}.`,
    change: seedsOr("Another recipe, size or text."),
  };
}

function endIsWorse({ ratios: losses }: PlacementLosses, paper: PaperTables): UnjudgedClaim {
  const some = ["1:3", "1:5"] as const;
  return {
    claim: "At 1:3 and 1:5, the middle is better than moving the last attention layer towards the end.",
    paper: `Table 17, middle against end: ${byRatio(paper, some, "middle", "end")}.`,
    parts: some.map((ratio) =>
      part(`${ratio} middle − ${ratio} end`, contrast(losses, [`${ratio} middle`], [`${ratio} end`])),
    ),
    evidence: (parts) => `${list(parts)}.`,
    change: seedsOr("Another recipe, size or text."),
  };
}

function sandwichIsWorse({ intra }: PlacementLosses, paper: PaperTables): UnjudgedClaim {
  return {
    claim: "Intra-hybrid layers at both ends of the stack (sandwich) are worse than in a cluster, at 1:3 and 1:5.",
    paper: `Table 21, cluster against sandwich: ${intraBy(paper, "cluster", "sandwich")}; at 1:1, which the claim leaves out, ${signed(intraDifference(paper, "1:1", "cluster", "sandwich"))}.`,
    parts: intraParts(intra, "cluster", "sandwich"),
    evidence: (parts) =>
      `${list(parts)}.${atEven(intra, "cluster", "sandwich")} ${divergedInWords(intraStudy, intra)}`.trim(),
    change: seedsOr("Another recipe, size or text."),
  };
}

function clusterIsWorse({ intra }: PlacementLosses, paper: PaperTables): UnjudgedClaim {
  return {
    claim: "Scattered intra-hybrid layers are better than a cluster, at 1:3 and 1:5.",
    paper: `Table 21, scatter against cluster: ${intraBy(paper, "scatter", "cluster")}; at 1:1, which the claim leaves out, ${signed(intraDifference(paper, "1:1", "scatter", "cluster"))}.`,
    parts: intraParts(intra, "scatter", "cluster"),
    evidence: (parts) => `${list(parts)}.${atEven(intra, "scatter", "cluster")}`,
    change: seedsOr("Another recipe, size or text."),
  };
}

function frontIsWorseAmongWindows({ windows: losses }: PlacementLosses, paper: PaperTables): UnjudgedClaim {
  const theirs = ratios.map((ratio) => {
    const at = (place: InterPlace) => paperWindowed(paper, ratio, place);
    return `${ratio} ${signed(at("middle") - at("front"))}`;
  });
  return {
    claim:
      "Among sliding-window layers, too, moving the first full attention to the front makes the model worse, at 1:1, 1:3 and 1:5.",
    paper: `Table 11 (1B), middle (at 1:1 the end) against front: ${theirs.join(", ")}.`,
    parts: frontParts(losses, ", windows"),
    evidence: (parts) => `${counted(parts)} ${list(parts)}.`,
    change: seedsOr("Another recipe, size or text."),
  };
}

type Intra = "cluster" | "scatter" | "sandwich";

const intraParts = (losses: PlacementLosses["intra"], a: Intra, b: Intra) =>
  (["1:3", "1:5"] as const).map((ratio) =>
    part(`${ratio} ${a} − ${ratio} ${b}`, contrast(losses, [`${ratio} ${a}`], [`${ratio} ${b}`])),
  );

function atEven(losses: PlacementLosses["intra"], a: Intra, b: Intra): string {
  const even = contrast(losses, [`1:1 ${a}`], [`1:1 ${b}`]);
  return even ? ` At 1:1 the difference is ${inWords(even)}.` : "";
}

/** A number made of the paper's 1:12 models of a size. */
type OfSingles = (singles: readonly PaperSingle[]) => number;

const middleLessFirst: OfSingles = (singles) => middleOf(singles).nll - singles[0].nll;
const worstLessFirst: OfSingles = ([first, ...rest]) => Math.max(...rest.map(({ nll }) => nll)) - first.nll;

const lessThird =
  (third: Third): OfSingles =>
  (singles) => {
    const meanOf = (wanted: Third) =>
      mean(singles.filter(({ depth, layers }) => thirdOf(depth, layers) === wanted).map(({ nll }) => nll));
    return meanOf("middle") - meanOf(third);
  };

const ofSingles = (paper: PaperTables, of: OfSingles) =>
  paperSizes.map((size) => `${signed(of(paperSingles(paper, size)))} at ${size}`).join(" and ");

/** " Table 16 prints 2.864 for …": what the numbers come to with the other loss that the paper prints for a model; empty where it prints one. */
function printedTwice(paper: PaperTables, ...numbers: readonly OfSingles[]): string {
  return paperSizes
    .flatMap((size) => {
      const other = otherwisePrinted(paper, size);
      if (!other) return [];
      const [here, there] = [paperSingles(paper, size), other].map((singles) => middleOf(singles).nll);
      return ` For the ${size} model with its attention in the middle Table 17 prints ${here}, Table 16 ${there}; with that it is ${numbers.map((of) => signed(of(other))).join(" and ")}.`;
    })
    .join("");
}

const byRatio = (paper: PaperTables, some: readonly Ratio[], a: InterPlace, b: InterPlace) =>
  some
    .map((ratio) => {
      const at = (size: PaperSize) => paperPlaced(paper, size, ratio, a) - paperPlaced(paper, size, ratio, b);
      return `${ratio} ${paperSizes.map((size) => `${signed(at(size))} at ${size}`).join(" and ")}`;
    })
    .join(", ");

const intraDifference = (paper: PaperTables, ratio: Ratio, a: Intra, b: Intra) =>
  paperIntra(paper, ratio, a) - paperIntra(paper, ratio, b);

const intraBy = (paper: PaperTables, a: Intra, b: Intra) =>
  (["1:3", "1:5"] as const).map((ratio) => `${ratio} ${signed(intraDifference(paper, ratio, a, b))}`).join(", ");

const list = (parts: readonly { name: string; interval: Parameters<typeof inWords>[0] }[]) =>
  parts.map(({ name, interval }) => `${name} is ${inWords(interval)}`).join(", ");
