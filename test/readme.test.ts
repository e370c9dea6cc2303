import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { findings } from "../src/findings/index.js";
import { recordedRuns } from "../src/findings/recorded.node.js";
import { findingsTable } from "../src/findings/summary.node.js";
import { packageStore, readStore } from "../src/runs/store.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

it("shows the findings table that `braid findings` prints", () => {
  const shown = /<!-- braid findings -->\n(.*?)\n<!-- end -->/s.exec(readme)?.[1];
  expect(shown?.trim()).toBe(findingsTable().trim());
});

it("names the studies that are planned and not recorded", () => {
  const pending = findings.flatMap(({ studies }) => studies.filter((study) => study.pending).map(({ name }) => name));
  const named =
    /^- \*\*Planned and not all trained yet\*\* .*\(([^)]*)\), on which no figure or verdict rests yet\.$/m.exec(
      readme,
    )?.[1];
  expect(named?.split(", ") ?? []).toEqual(pending);
});

it("counts the recorded runs, and those on which nothing rests yet", () => {
  const used = new Set(findings.flatMap((finding) => [...recordedRuns(finding).values()].flat().map(({ id }) => id)));
  const others = readStore(packageStore).length - used.size;
  expect(readme).toContain(`from ${used.size} recorded runs; \`braid runs list\` shows them, and ${others} of`);
});
