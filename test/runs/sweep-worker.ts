/** A worker process for tests of the sweep: bundled by esbuild and started by the parent. What it does, the label says. */
import { existsSync, writeFileSync } from "node:fs";
import { workOff } from "../../src/runs/sweep.js";
import { fakeRecord } from "./fake.js";

const [marks, startsNot] = process.argv.slice(2);
if (startsNot) {
  process.stderr.write("no adapter here\n");
  process.exit(3);
}

void workOff(async (run, report) => {
  const mark = `${marks}/${run.label}-${run.spec.seed}`;
  if (run.label === "dies-once" && !existsSync(mark)) {
    writeFileSync(mark, "");
    process.stderr.write("device lost\n");
    process.exit(9);
  }
  if (run.label === "dies") process.exit(9);
  if (run.label === "fails") throw new Error("the loss is not finite at step 3");
  report({ type: "progress", step: 8, steps: 32, loss: 4, tokensPerSecond: 1000 });
  await new Promise((resolve) => setTimeout(resolve, run.label === "slow" ? 30_000 : 20));
  return fakeRecord(run, 3 + run.spec.seed);
});
