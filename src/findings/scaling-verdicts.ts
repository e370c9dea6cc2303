/** Whether the optimal sizes of hybrids lie between those of Transformer and Mamba, judged under every reading. */

import type { Part } from "./claims.js";
import type { Verdict } from "./finding.js";
import { type FittedReading, hybrids, parents, type SizeRatio } from "./scaling-reading.js";
import { allOf, belowZero, type Interval, type Outcome } from "./stats.js";
import { architectureStyle } from "./theme.js";

/** One part a hybrid and parent: is the hybrid's optimum on the inner side of the parent's? Empty where no budget compares all four. */
function betweenParts({ reading, ratios }: FittedReading): Part[] {
  const parentsRatio = ratios.find(({ model, other }) => model === "mamba" && other === "transformer");
  if (!parentsRatio) return [];
  const mambaIsLarger = parentsRatio.interval.mean > 0;
  return hybrids.flatMap((hybrid) =>
    parents.map((parent) => {
      const { interval } = ratioOf(ratios, hybrid, parent);
      // Inside means below the larger parent and above the smaller one.
      const below = (parent === "mamba") === mambaIsLarger;
      const names = [hybrid, parent].map((key) => architectureStyle(key).label).join(" / ");
      return {
        name: `${reading.name}: ln ${names}`,
        interval,
        outcome: belowZero(below ? interval : negated(interval)),
      };
    }),
  );
}

/** How a reading judges the claim: both hybrids within both parents. */
export function betweenOutcome(fitted: FittedReading): Outcome {
  return allOf(betweenParts(fitted).map(({ outcome }) => outcome));
}

/** Whether the bare estimates of a reading put both hybrids between, whatever their intervals. */
export function estimatesLieBetween({ ratios }: FittedReading): boolean {
  return (
    ratios.length > 0 &&
    hybrids.every((hybrid) => {
      const [transformer, mamba] = parents.map((parent) => ratioOf(ratios, hybrid, parent).interval.mean);
      return transformer * mamba < 0;
    })
  );
}

/** The compared budgets at which the bare estimates put both hybrids between. */
export function budgetsBetween({ optima, compared }: FittedReading): number[] {
  return compared.filter((budget) => {
    const size = (key: string) => optima.find((one) => one.model === key && one.budget === budget)!.size.value;
    const ends = parents.map(size).sort((a, b) => a - b);
    return hybrids.every((hybrid) => size(hybrid) > ends[0] && size(hybrid) < ends[1]);
  });
}

/** The claim over all readings: what they all say, or unresolved where they differ. Undefined where none can compare all four. */
export function betweenVerdict(
  fits: readonly FittedReading[],
  words: Pick<Verdict, "claim" | "paper" | "change">,
): Verdict | undefined {
  const usable = fits.filter(({ ratios }) => ratios.length > 0);
  if (usable.length === 0) return undefined;
  const outcomes = usable.map(betweenOutcome);
  const count = (outcome: Outcome) => outcomes.filter((other) => other === outcome).length;
  const estimated = usable.filter(estimatesLieBetween).map(({ reading }) => reading.name);
  const known = ({ ratios }: FittedReading) => ratios.every(({ interval }) => Number.isFinite(interval.low));
  const first = usable[0];
  const shown = usable.find(known) ?? first;
  return {
    ...words,
    outcome: outcomes.every((outcome) => outcome === outcomes[0]) ? outcomes[0] : "unresolved",
    evidence:
      `It follows from ${counted(count("reproduced"))} of ${usable.length} fits, and ${counted(count("contradicted"))} contradict it. ` +
      `${sides(usable)} Without intervals both hybrids lie between in ${counted(estimated.length)}` +
      `${estimated.length > 0 ? ` (${estimated.join(", ")})` : ""}. ` +
      `Budget by budget the estimates of "${first.reading.name}" are between in ${counted(budgetsBetween(first).length)} of ${first.compared.length}. ` +
      `By the fit "${shown.reading.name}": ${against(shown, "transformer")}; ${against(shown, "mamba")}.`,
    parts: usable.flatMap(betweenParts),
  };
}

/** In how many readings, of those that have the intervals, both hybrids are certainly apart from each parent. */
function sides(fits: readonly FittedReading[]): string {
  const apart = parents.map((parent) => {
    const both = fits.map(({ ratios }) => hybrids.map((hybrid) => ratioOf(ratios, hybrid, parent).interval));
    const known = both.filter((pair) => pair.every(({ low }) => Number.isFinite(low)));
    const certain = known.filter((pair) => pair.every(({ low, high }) => low > 0 || high < 0));
    return `from ${whose(parent)} in ${counted(certain.length)} of the ${known.length} fits that have them`;
  });
  return `The intervals tell both hybrids' optima ${apart.join(" and ")}.`;
}

const counted = (count: number) => (count === 0 ? "none" : String(count));
const whose = (parent: (typeof parents)[number]) => (parent === "mamba" ? "Mamba's" : "the Transformer's");

function against({ ratios }: FittedReading, parent: (typeof parents)[number]): string {
  const parts = hybrids.map((hybrid) => {
    const { interval } = ratioOf(ratios, hybrid, parent);
    return `${architectureStyle(hybrid).label} ${factor(interval)}`;
  });
  return `${parts.join(" and ")} times ${whose(parent)} size`;
}

/** "1.05 [0.70, 1.26]", or the estimate alone. */
function factor({ mean, low, high }: Pick<Interval, "mean" | "low" | "high">): string {
  const text = (value: number) => Math.exp(value).toFixed(2);
  return Number.isFinite(low) ? `${text(mean)} [${text(low)}, ${text(high)}]` : `${text(mean)} (no interval)`;
}

export function ratioOf(ratios: readonly SizeRatio[], model: string, other: string): SizeRatio {
  return ratios.find((ratio) => ratio.model === model && ratio.other === other)!;
}

function negated({ mean, sd, low, high, n }: Interval): Interval {
  return { mean: -mean, sd, low: -high, high: -low, n };
}
