/** How verdicts are put together from comparisons. */

import type { Verdict } from "./finding.js";
import { allOf, belowZero, type Interval, type Outcome } from "./stats.js";

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
  return interval && { name, interval, outcome: judge(interval) };
}

/** A claim to be judged. */
export interface Claim extends Pick<Verdict, "claim" | "paper"> {
  parts: readonly (Part | undefined)[];
  evidence: (parts: readonly Part[]) => string;
  /** `Verdict.change`, or how it follows from the comparisons. */
  change?: string | ((parts: readonly Part[]) => string);
}

/**
 * The verdict on a claim that needs all its parts. None where a part could not be compared, as when only some models were
 * trained: what is left would be another claim.
 */
export function judge({ claim, paper, change, parts, evidence }: Claim): Verdict[] {
  const compared = parts.filter((known) => known !== undefined);
  if (compared.length < parts.length || parts.length === 0) return [];
  const outcome = allOf(compared.map((known) => known.outcome));
  const told = typeof change === "function" ? change(compared) : change;
  return [{ claim, paper, outcome, evidence: evidence(compared), ...(told && { change: told }), parts: compared }];
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
