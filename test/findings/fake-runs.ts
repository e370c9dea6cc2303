import { countParameters } from "../../src/config/index.js";
import type { Finding, StudyRuns } from "../../src/findings/finding.js";
import { planStudy, type Study } from "../../src/findings/study.js";
import { makeRecord } from "../../src/runs/record.js";
import type { PlannedRun, RunRecord } from "../../src/runs/types.js";
import type { TrainResult } from "../../src/train/types.js";
import { fakeProvenance, fakeResult } from "../runs/fake.js";

/** Between -1 and 1, the same for the same words: what a seed adds to a loss. */
export function wobble(...words: (string | number)[]): number {
  let state = 0x811c9dc5;
  for (const letter of words.join(" ")) state = Math.imul(state ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  // Words that differ in the last letter alone must not give neighbouring numbers.
  for (const shift of [16, 13, 16]) state = Math.imul(state ^ (state >>> shift), 0x45d9f3b) >>> 0;
  return state / 2 ** 31 - 1;
}

export interface Made {
  /** Loss in nats a token, without what the seed adds. */
  loss: (label: string, study: Study) => number;
  /** How much a seed moves a single run, beside what it does to all. */
  noise?: number;
  /** More of the result, such as α. */
  more?: (label: string, seed: number, study: Study) => Partial<TrainResult>;
  studies?: readonly string[];
  seeds?: readonly number[];
}

const plans = new Map<string, PlannedRun[]>();

/** Matching models takes a while: once for each study. */
function planned(study: Study, seeds?: readonly number[]): PlannedRun[] {
  const known = plans.get(study.name) ?? planStudy(study);
  plans.set(study.name, known);
  return known.filter(({ spec }) => seeds?.includes(spec.seed) ?? true);
}

/** Runs of a finding's studies as planned, with made-up results. */
export function fakeStudyRuns(finding: Finding, { loss, noise = 0.001, more, studies, seeds }: Made): StudyRuns {
  const wanted = finding.studies.filter(({ name }) => studies?.includes(name) ?? true);
  return new Map(
    wanted.map((study) => [
      study.name,
      planned(study, seeds).map((run): RunRecord => {
        const { label, spec } = run;
        const value = loss(label, study) + 0.01 * spec.seed + noise * wobble(study.name, label, spec.seed);
        const { total, nonEmbedding } = countParameters(spec.config);
        const score = (correct: number) => ({ correct, questions: 1000 });
        const tasks = { cloze: score(370), lastWord: score(80), recall: score(15) };
        const result = { ...fakeResult(value), params: { total, nonEmbedding }, tasks };
        return makeRecord(run, { ...result, ...more?.(label, spec.seed, study) }, fakeProvenance);
      }),
    ]),
  );
}
