import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { findingsTable } from "../src/findings/summary.node.js";

it("shows the findings table that `braid findings` prints", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const shown = /<!-- braid findings -->\n(.*?)\n<!-- end -->/s.exec(readme)?.[1];
  expect(shown?.trim()).toBe(findingsTable().trim());
});
