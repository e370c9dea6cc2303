/** How verdicts are put together from comparisons. */

import type { Verdict } from "./finding.js";
import { allOf, belowZero, type Interval, type Outcome, widened } from "./stats.js";

/** One comparison that a verdict rests on. */
export type Part = Verdict["parts"][number];

/** A comparison with its outcome; undefined where it could not be made. */
export function part(name: string, interval: Interval, judge?: (interval: Interval) => Outcome): Part;
export function part(
  name: string,
  interval: Interval | undefined,
  judge?: (interval: Interval) => Outcome,
): Part | undefined;
export function part(
  name: string,
  interval: Interval | undefined,
  judge: (interval: Interval) => Outcome = belowZero,
): Part | undefined {
  return interval && { name, interval, outcome: judge(interval), ...(judge !== belowZero && { judge }) };
}

/** A claim to be judged. */
export interface UnjudgedClaim extends Pick<Verdict, "claim" | "paper"> {
  parts: readonly (Part | undefined)[];
  evidence: (parts: readonly Part[]) => string;
  /** `Verdict.change`, or how it follows from the comparisons. */
  change?: string | ((parts: readonly Part[]) => string);
}

/**
 * The verdict on a claim that needs all its parts. None where a part could not be compared, as when only some models were
 * trained: what is left would be another claim.
 */
export function judge({ claim, paper, change, parts, evidence }: UnjudgedClaim): Verdict[] {
  const compared = parts.filter((known) => known !== undefined);
  if (compared.length < parts.length || parts.length === 0) return [];
  const outcome = allOf(compared.map((known) => known.outcome));
  const told = typeof change === "function" ? change(compared) : change;
  const words = `${restsOn(compared)}${told ?? ""}`.trim();
  return [{ claim, paper, outcome, evidence: evidence(compared), ...(words && { change: words }), parts: compared }];
}

/**
 * "It rests on a, b; with intervals that hold for all 8 comparisons together (Bonferroni), on a alone. ": what contradicts a claim that
 * needs several parts, and what would if their number were reckoned with. Empty where nothing contradicts it, or there is one part.
 */
export function restsOn(parts: readonly Part[]): string {
  const against = parts.filter(({ outcome }) => outcome === "contradicted");
  if (against.length === 0 || parts.length === 1) return "";
  const names = (list: readonly Part[]) => list.map(({ name }) => name).join(", ");
  const rest = `It rests on ${names(against)}`;
  const staying = against.filter(
    ({ interval, judge = belowZero }) => judge(widened(interval, parts.length)) === "contradicted",
  );
  const left =
    staying.length === against.length
      ? `on ${against.length === 1 ? "it" : "them"} too`
      : staying.length === 0
        ? "on nothing: it would be unresolved"
        : `on ${names(staying)} alone`;
  return `${rest}; with intervals that hold for all ${parts.length} comparisons together (Bonferroni), ${left}. `;
}

/** "10 of 12 comparisons hold; open: …; the other way: …." */
export function counted(parts: readonly Part[]): string {
  const named = (outcome: Outcome, word: string) => {
    const names = parts.filter((known) => known.outcome === outcome).map(({ name }) => name);
    return names.length > 0 ? `; ${word}: ${names.join(", ")}` : "";
  };
  const held = parts.filter(({ outcome }) => outcome === "reproduced").length;
  return `${held} of ${parts.length} comparisons hold${named("unresolved", "open")}${named("contradicted", "the other way")}.`;
}
