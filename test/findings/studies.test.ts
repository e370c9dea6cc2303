import { describe, expect, test } from "vitest";
import { requireBuildable } from "../../src/config/index.js";
import { findings } from "../../src/findings/index.js";
import { planStudy } from "../../src/findings/study.js";

const studies = findings.flatMap((finding) => finding.studies);

describe.each(studies.map((study) => ({ name: study.name, study })))("the study $name", ({ study }) => {
  test.each([study.size, "smoke"] as const)("plans models that can be built at %s size", (size) => {
    const runs = planStudy(study, { size, seeds: [0] });
    expect(runs.length).toBeGreaterThan(0);
    for (const { spec } of runs) requireBuildable(spec.config);
  });

  // Toys of some placements are: they have few layers.
  test("plans no two runs that are one", () => {
    const specs = planStudy(study, { seeds: [0] }).map(({ spec }) => JSON.stringify(spec));
    expect(new Set(specs).size).toBe(specs.length);
  });
});
