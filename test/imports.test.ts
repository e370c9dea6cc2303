import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, it } from "vitest";

const src = new URL("../src/", import.meta.url).pathname;

/** Which folders of src a folder may import from, besides itself: downwards only (README, The house). */
const below: Record<string, string[]> = {
  config: [],
  memory: [],
  cost: ["config", "memory"],
  gpu: ["memory"],
  data: ["gpu"],
  ops: ["config", "gpu", "memory"],
  model: ["config", "data", "gpu", "ops"],
  hub: ["data", "gpu", "model"],
  evaluate: ["config", "data", "gpu", "inspect", "model", "ops"],
  generate: ["config", "data", "gpu", "model", "ops"],
  inspect: ["config", "data", "gpu", "model", "ops"],
  train: ["config", "data", "evaluate", "gpu", "memory", "model", "ops"],
  runs: ["config", "cost", "data", "gpu", "train"],
  bench: ["config", "cost", "data", "evaluate", "generate", "gpu", "memory", "model", "ops", "train"],
  findings: ["config", "cost", "data", "gpu", "inspect", "runs", "train"],
  workbook: ["data", "findings", "hub", "inspect", "model", "runs", "train"],
};

const imports = readdirSync(src, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && file.includes("/"))
  .flatMap((file) => {
    const text = readFileSync(join(src, file), "utf8");
    return [...text.matchAll(/(?:from|import\()\s*"([^"]+)"/g)].map(([, target]) => ({ file, target }));
  });

it("points downwards only", () => {
  expect(imports.length, "imports were found").toBeGreaterThan(300);
  const wrong = imports.filter(({ file, target }) => {
    const from = file.split("/")[0];
    if (from === "cli" || !target.startsWith(".")) return false;
    const to = normalize(join(dirname(file), target)).split("/")[0];
    return to !== from && !below[from].includes(to);
  });
  expect(wrong).toEqual([]);
});

it("keeps Dawn and its types in src/gpu", () => {
  expect(imports.filter(({ file, target }) => target === "webgpu" && !file.startsWith("gpu/"))).toEqual([]);
});
