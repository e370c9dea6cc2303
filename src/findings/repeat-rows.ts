/** Comparisons of a finding beside the same ones with larger models or on bytes (repeats.ts): as a table, and in verdicts. */

import type { RunRecord } from "../runs/types.js";
import { accuraciesOfBoth } from "./accuracy.js";
import { byLabelAndSeed } from "./by-seed.js";
import { inWords, type Row, type StudyRuns, signed, type Verdict } from "./finding.js";
import { lossesByLabel, versus } from "./losses.js";
import { differenceColumns } from "./result-columns.js";
import type { Interval } from "./stats.js";

/** Two labels of a study, the first less the second, and the studies that repeat it. */
export interface Repeated {
  labels: readonly [string, string];
  studies: readonly string[];
  /** The part of a verdict that it repeats, where that has another name than the labels. */
  part?: string;
}

/** A comparison that was made again, in nats a token. */
export interface Again {
  name: string;
  interval: Interval;
  /** Those of the first model. */
  runs: readonly RunRecord[];
}

const nameOf = ({ labels: [a, b] }: Repeated) => `${a} − ${b}`;

/**
 * One row a comparison and study: the first model's weights, and the paired difference in nats a byte, which tokens and bytes share,
 * ± the half-width of its 95 % interval, and the accuracies of both. None where no study but the first is among the runs.
 */
export function repeatRows(runs: StudyRuns, comparisons: readonly Repeated[]): Row[] {
  return comparisons.flatMap((comparison) => {
    const { labels, studies } = comparison;
    const rows = studies.flatMap((study): Row[] => {
      const own = runs.get(study) ?? [];
      const losses = byLabelAndSeed(own, ({ result }) => result.validation.nllPerByte);
      const interval = versus(losses, ...labels);
      if (!interval) return [];
      const [first, second] = labels.map((name) => own.filter(({ label }) => label === name));
      const { spec, result } = first[0];
      return [
        {
          comparison: nameOf(comparison),
          study,
          parameters: result.params.nonEmbedding,
          tokens: spec.data.tokenizer,
          seeds: interval.n,
          ...differenceColumns("perByte", interval),
          ...accuraciesOfBoth(first, second),
        },
      ];
    });
    return rows.some(({ study }) => study !== studies[0]) ? rows : [];
  });
}

/** The comparisons that repeat a part of a verdict, of the studies after the first that are among the runs. */
export function repeatsOf(runs: StudyRuns, comparisons: readonly Repeated[], part: string): Again[] {
  return comparisons
    .filter((comparison) => (comparison.part ?? nameOf(comparison)) === part)
    .flatMap((comparison) =>
      comparison.studies.slice(1).flatMap((study): Again[] => {
        const own = runs.get(study) ?? [];
        const interval = versus(lossesByLabel(own), ...comparison.labels);
        const first = own.filter(({ label }) => label === comparison.labels[0]);
        return interval ? [{ name: nameOf(comparison), interval, runs: first }] : [];
      }),
    );
}

/** Verdicts whose evidence says, setting by setting, what their comparisons came to when made again. */
export function withRepeats(verdicts: readonly Verdict[], again: (part: string) => readonly Again[]): Verdict[] {
  return verdicts.map((verdict) => {
    const settings = new Map<string, string[]>();
    for (const { name, interval, runs } of verdict.parts.flatMap(({ name }) => again(name))) {
      const bytes = runs[0].spec.data.tokenizer === "bytes";
      const weights = (runs[0].result.params.nonEmbedding / 1e6).toFixed(1);
      const setting = bytes ? "On bytes" : `With ${weights}M weights`;
      const known = settings.get(setting) ?? [];
      const text = bytes ? `${inWords(interval, (value) => signed(value, 4))} nats a byte` : inWords(interval);
      settings.set(setting, [...known, `${name} is ${text}`]);
    }
    const told = [...settings].map(([setting, differences]) => ` ${setting} ${differences.join(", ")}.`);
    return { ...verdict, evidence: verdict.evidence + told.join("") };
  });
}
