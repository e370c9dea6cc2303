/** A worker process for tests of the sweep: bundled by esbuild and started by the parent. What it does, the label says. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type TrainOne, workOff } from "../../src/runs/worker.js";
import { Stopped } from "../../src/train/trainer.js";
import { fakeRecord } from "./fake.js";

const [marks, startsNot] = process.argv.slice(2);
if (startsNot) {
  process.stderr.write("no adapter here\n");
  process.exit(3);
}
const started = `${process.env.CARD}-${process.pid}`;
writeFileSync(join(marks, started), "");
/** Marks the time in which this process trains, for "crowded" runs to see each other. */
const training = join(marks, `training-${process.pid}`);

/** Steps of a run, and milliseconds a step. */
function pace(label: string): [steps: number, wait: number] {
  if (label === "crowded") {
    // Two are slower than one, by so much that a busy machine shows it too.
    const others = readdirSync(marks).filter((name) => name.startsWith("training-")).length;
    return [80, others > 1 ? 40 : 8];
  }
  if (label === "patient") return [60, 25];
  return label === "steady" ? [60, 5] : [4, 5];
}

const train: TrainOne = async ({ run, checkpoints, card }, report, signal) => {
  const mark = `${marks}/${run.label}-${run.spec.seed}`;
  if (run.label === "dies-once" && !existsSync(mark)) {
    writeFileSync(mark, "");
    process.stderr.write("device lost\n");
    process.exit(9);
  }
  if (run.label === "dies") process.exit(9);
  if (run.label === "validated") {
    // Only its last validation was to make up for: it tells of no step. Another run is under way meanwhile.
    while (!readdirSync(marks).some((name) => name.startsWith("training-"))) await sleep(5);
    await sleep(500);
    return fakeRecord(run, 3);
  }
  if (run.label === "throws-aside") {
    setTimeout(() => {
      throw new Error("no such kernel");
    });
  }
  if (run.label === "fails") throw new Error("the loss is not finite at step 3");
  if (run.label === "no-room" && !existsSync(mark)) {
    writeFileSync(mark, "");
    throw new Error("The GPU is out of memory: use fewer sequences a step");
  }
  // As the trainer does: step by step, what is done kept in the run's folder.
  const saved = join(checkpoints, "step-1");
  const done = join(saved, "done");
  const begun = existsSync(done) ? Number(readFileSync(done, "utf8")) : 0;
  mkdirSync(saved, { recursive: true });
  writeFileSync(join(checkpoints, "made-by.json"), JSON.stringify({ card }));
  writeFileSync(training, "");
  try {
    for (let step = begun + 1; ; step++) {
      const [steps, wait] = pace(run.label);
      if (step > steps) break;
      await sleep(wait);
      // Whole or not at all: it may be killed here.
      writeFileSync(`${done}.writing`, String(step));
      renameSync(`${done}.writing`, done);
      report({ type: "progress", step, steps, loss: 4, tokensPerSecond: 1000, secondsLeft: 1 });
      if (signal.aborted) throw new Stopped(step, steps);
    }
  } finally {
    rmSync(training);
  }
  writeFileSync(mark, String(begun));
  return fakeRecord(run, 3 + run.spec.seed);
};

void workOff((assignment, report, signal) => {
  if (assignment.run.label === "refused") throw new Error("hybrid.dQk: 2 cannot be built");
  return train(assignment, report, signal);
});
