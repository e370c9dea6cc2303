/** The two claims of Table 4, judged by our runs. */

import { bytesPerToken } from "./bytes-studies.js";
import { seedsInWords } from "./change.js";
import { judge, type Part, part } from "./claims.js";
import { inWords, signed, type Verdict } from "./finding.js";
import { fourArchitectures } from "./models.js";
import { type Gain, type MoeSetting, type PaperMoe, paperGain } from "./moe-losses.js";
import { type Interval, type Outcome, pairedDifference } from "./stats.js";
import { architectureStyle } from "./theme.js";

/**
 * How far apart the gains of two architectures may be and still count as alike. The paper's four lie within 0.014 of each other; stated
 * before any run was made. In nats a token; on bytes it is what a byte has of that, and so no wider.
 */
export const alikeMargin = 0.02;

/** Whether an interval supports "no further from zero than `margin`": inside on both sides, outside on one, or neither. */
export function alike({ low, high }: Interval, margin: number): Outcome {
  if (low > -margin && high < margin) return "reproduced";
  return low > margin || high < -margin ? "contradicted" : "unresolved";
}

/** How gains are measured: how far apart they may be, in which unit, told with how many decimals, and since when. */
const measures = {
  token: { margin: alikeMargin, unit: "nats a token", decimals: 3, fixed: "The margin was fixed before the runs." },
  byte: {
    margin: Number((alikeMargin / bytesPerToken).toFixed(4)),
    unit: `nats a byte (${alikeMargin} a token of ${bytesPerToken} bytes)`,
    decimals: 4,
    fixed: "The margin a token was fixed before the runs, what a byte has of it after them.",
  },
} as const;

/** Empty unless all four architectures have runs of both kinds. */
export function moeVerdicts(gains: readonly Gain[], paper: readonly PaperMoe[], { words, per }: MoeSetting): Verdict[] {
  if (gains.length < fourArchitectures.length) return [];
  const { margin, unit, decimals, fixed } = measures[per];
  const text = (interval: Interval) => inWords(interval, (value) => signed(value, decimals));
  const name = (gain: Gain) => architectureStyle(gain.model).label;
  const lower = gains.map((gain) => part(`${name(gain)}: experts − dense`, gain.interval));
  const pairs = gains.flatMap((a, i) => gains.slice(i + 1).map((b) => [a, b] as const));
  const same = pairs.map(([a, b]) =>
    part(`gain of ${name(a)} − of ${name(b)}`, pairedDifference(a.bySeed, b.bySeed), (gap) => alike(gap, margin)),
  );
  const printed = fourArchitectures
    .map((model) => `${architectureStyle(model).label} ${signed(paperGain(paper, model))}`)
    .join(", ");
  const theirs = fourArchitectures.map((model) => paperGain(paper, model));
  const widest = [...same].sort((a, b) => Math.abs(b.interval.mean) - Math.abs(a.interval.mean))[0];
  const named = (wanted: Outcome) => same.filter(({ outcome }) => outcome === wanted);
  const [close, apart, open] = [named("reproduced"), named("contradicted"), named("unresolved")];
  const told = (parts: readonly Part[]) => parts.map(({ name, interval }) => `${name} ${text(interval)}`).join(", ");
  return [
    {
      claim: `A shared and the best of eight experts lower the loss of every architecture${words}.`,
      paper: `Table 4, 1B, nats a token: ${printed}.`,
      evidence: () => `${gains.map((gain) => `${name(gain)} ${text(gain.interval)}`).join(", ")}.`,
      change: seedsInWords(lower) ?? "Seeds that disagree with those here, larger models, or more tokens a weight.",
      parts: lower,
    },
    {
      claim: `They lower it alike: any two architectures' gains differ by less than ${margin} ${unit}${words}.`,
      paper: `Table 4, 1B: the four differ by at most ${(Math.max(...theirs) - Math.min(...theirs)).toFixed(3)} nats a token.`,
      evidence: () =>
        `Certainly that close: ${close.length} of ${same.length} pairs; open: ${open.length}; ${apart.length > 0 ? `certainly further apart: ${told(apart)}` : `the widest apart: ${told([widest])}`}.`,
      change: `${apart.length > 0 ? "Seeds that disagree with those here, larger models, or more tokens a weight." : "More seeds narrow the intervals."} ${fixed}`,
      parts: same,
    },
  ].flatMap(judge);
}
