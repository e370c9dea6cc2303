import { describe, expect, test } from "vitest";
import { findings } from "../../src/findings/index.js";
import { pendingStudies } from "../../src/findings/pending.node.js";
import { placement } from "../../src/findings/placement.js";
import { planStudy } from "../../src/findings/study.js";
import { allVerdicts, findingsTable } from "../../src/findings/summary.node.js";
import { makeRecord } from "../../src/runs/record.js";
import { fakeProvenance, fakeResult } from "../runs/fake.js";

test("pending studies are counted with the runs that the store has of them", () => {
  const study = placement.studies.find(({ name }) => name === "placement-windows")!;
  const stored = planStudy(study)
    .slice(0, 3)
    .map((run) => makeRecord(run, fakeResult(), fakeProvenance));
  const studies = [
    { ...study, pending: true as const },
    { ...study, name: "complete", pending: undefined },
  ];
  expect(pendingStudies({ ...placement, studies }, stored)).toEqual([
    { study: "placement-windows", about: study.about, seeds: 3, runs: 24, trained: 3 },
  ]);
});

describe("the findings table", () => {
  const all = allVerdicts();

  test("has every finding with at least one row", () => {
    expect(all.map(({ finding }) => finding)).toEqual(["costs", ...findings.map(({ name }) => name)]);
    for (const { finding, verdicts } of all) expect(verdicts.length, finding).toBeGreaterThan(0);
  });

  test("says which studies wait, in one row, exactly where none of a finding's is recorded", () => {
    for (const { name, title, studies } of findings) {
      const waiting = all
        .find(({ finding }) => finding === name)!
        .verdicts.filter(({ outcome }) => outcome === "not run yet");
      const none = studies.every(({ pending }) => pending);
      expect(waiting.map(({ claim }) => claim)).toEqual(none ? [`${title}.`] : []);
      if (none) for (const study of studies) expect(waiting[0].evidence).toContain(`${study.name} (`);
    }
  });

  test("is Markdown with five columns in every line", () => {
    for (const line of findingsTable().split("\n")) expect(line.split(" | ")).toHaveLength(5);
  });
});
