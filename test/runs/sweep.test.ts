import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Card } from "../../src/runs/card.js";
import { begunOn, checkpointFolder } from "../../src/runs/checkpoints.js";
import { appendJsonl, readJsonl } from "../../src/runs/jsonl.js";
import { needsOf } from "../../src/runs/needs.js";
import { sweep } from "../../src/runs/sweep.js";
import type { SweepEvent, SweepOptions } from "../../src/runs/sweep-types.js";
import type { PlannedRun } from "../../src/runs/types.js";
import { fakeRecord, fakeSpec } from "./fake.js";

const bundle = join(mkdtempSync(join(tmpdir(), "braid-worker-")), "worker.mjs");
beforeAll(async () => {
  const entry = fileURLToPath(new URL("./sweep-worker.ts", import.meta.url));
  await build({
    entryPoints: [entry],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
  });
  return () => rmSync(join(bundle, ".."), { recursive: true });
});

let folder: string;
let out: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "braid-sweep-"));
  out = join(folder, "runs.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true }));

const plan = (label: string, seed = 0): PlannedRun => ({ finding: "f", label, spec: fakeSpec(seed, 1e-3) });
const card = (jobs: Card["jobs"], rest: Partial<Card> = {}): Card => {
  const name = rest.name ?? "card";
  return { name, env: { CARD: name }, memory: Number.POSITIVE_INFINITY, jobs, ...rest };
};
const run = (runs: PlannedRun[], options: Partial<SweepOptions> = {}) =>
  sweep({ runs, out, cards: [card(1)], worker: [process.execPath, bundle, folder], ...options });
const seeds = (count: number, label = "good") => Array.from({ length: count }, (_, seed) => plan(label, seed));
/** How many processes were started for a card. */
const processes = (name: string) => readdirSync(folder).filter((file) => file.startsWith(`${name}-`)).length;
/** The step that a run went on from. */
const begunAt = (label: string, seed = 0) => Number(readFileSync(join(folder, `${label}-${seed}`), "utf8"));
/** The most runs that were under way on a card at a time. */
function sideBySide(events: SweepEvent[], name: string): number {
  let [now, most] = [0, 0];
  for (const event of events) {
    if (event.card !== name || event.type === "packing" || event.type === "progress") continue;
    now += event.type === "start" ? 1 : -1;
    most = Math.max(most, now);
  }
  return most;
}

test("workers are started through the command that singles out their card", async () => {
  const through = ["sh", "-c", 'CARD=single exec "$0" "$@"'];
  const report = await run([plan("good")], { cards: [card(1, { name: "twin", through })] });
  expect(report.done).toHaveLength(1);
  expect([processes("single"), processes("twin")]).toEqual([1, 0]);
});

test("of runs that share their beginning the shorter one comes first, alone, and leaves the trunk to the longer one", async () => {
  const { spec } = plan("good");
  const warmupOf = spec.tokens;
  const length = (times: number): PlannedRun => ({
    finding: "f",
    label: times === 1 ? "good" : "longer",
    spec: { ...spec, tokens: times * spec.tokens, schedule: { ...spec.schedule, ...(times > 1 && { warmupOf }) } },
  });
  const events: SweepEvent[] = [];
  const planned = [length(3), length(1), length(2), plan("good", 1)];
  const report = await run(planned, { cards: [card(3)], onEvent: (event) => events.push(event) });
  expect(report.done).toHaveLength(4);
  const own = events.flatMap((event) =>
    (event.type === "start" || event.type === "done") && event.run.spec.seed === 0
      ? [`${event.type} ${event.run.spec.tokens / spec.tokens}`]
      : [],
  );
  expect(own).toEqual(["start 1", "done 1", "start 2", "done 2", "start 3", "done 3"]);
  expect(existsSync(`${out}.checkpoints`), "nothing is left behind").toBe(false);
});

describe("a sweep", () => {
  test("makes every run once with several workers and appends each as it ends", async () => {
    const events: SweepEvent[] = [];
    const runs = [0, 1, 2, 3, 4].map((seed) => plan("good", seed));
    const report = await run(runs, { cards: [card(2)], onEvent: (event) => events.push(event) });
    expect(report).toMatchObject({ failed: [], left: [] });
    expect(
      readJsonl(out)
        .runs.map((record) => record.spec.seed)
        .sort(),
    ).toEqual([0, 1, 2, 3, 4]);
    const started = events.filter((event) => event.type === "start");
    expect(started.map(({ run: { spec } }) => spec.seed)).toEqual([0, 1, 2, 3, 4]);
    for (const { job } of started) expect([0, 1]).toContain(job);
    expect(events.some((event) => event.type === "progress" && event.report.loss === 4)).toBe(true);
  });

  test("skips what the JSONL or the store holds, and repairs a JSONL that was cut short", async () => {
    appendJsonl(out, fakeRecord(plan("good", 0)));
    appendFileSync(out, '{"id":"half');
    const report = await run([plan("good", 0), plan("good", 1), plan("good", 2)], {
      finished: [fakeRecord(plan("good", 2))],
    });
    expect(report.done.map(({ spec }) => spec.seed)).toEqual([1]);
    expect(readJsonl(out)).toMatchObject({ unfinished: 0, runs: [{ spec: { seed: 0 } }, { spec: { seed: 1 } }] });
    expect((await run([plan("good", 0), plan("good", 1)])).done).toEqual([]);
  });

  test("makes a run that is planned twice once", async () => {
    const report = await run([plan("good"), plan("good")]);
    expect(report.done).toHaveLength(1);
  });

  test("goes on after a run that fails, and says why", async () => {
    const report = await run([plan("fails"), plan("good", 1)]);
    expect(report.failed).toMatchObject([{ run: { label: "fails" }, message: "the loss is not finite at step 3" }]);
    expect(report.done).toHaveLength(1);
  });

  test("tries a run again in a fresh process when its worker died", async () => {
    const events: SweepEvent[] = [];
    const report = await run([plan("dies-once"), plan("good", 1)], { onEvent: (event) => events.push(event) });
    expect(report.done).toHaveLength(2);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "failed", again: true, message: "the worker ended (exit code 9: device lost)" }),
    );
  });

  test("gives a run up when its worker died twice", async () => {
    const report = await run([plan("dies"), plan("good", 1)]);
    expect(report.failed).toMatchObject([{ run: { label: "dies" }, message: "the worker ended (exit code 9)" }]);
    expect(report.done).toHaveLength(1);
  });

  test("says what a run was refused for before its first step, and what an error that nobody caught said", async () => {
    const report = await run([plan("refused"), plan("throws-aside", 1), plan("good", 2)]);
    const words = report.failed.map(({ run: { label }, message }) => [label, message]).sort();
    expect(words).toEqual([
      ["refused", "hybrid.dQk: 2 cannot be built"],
      ["throws-aside", expect.stringMatching(/^the worker ended \(exit code 1:.* Error: no such kernel\)$/)],
    ]);
    expect(report.done).toHaveLength(1);
  });

  test("starts no run that would not end in time, but those behind it that would", async () => {
    const runs = [0, 1, 2].map((seed) => plan("good", seed));
    runs[1] = { ...runs[1], spec: { ...runs[1].spec, tokens: 1e12 } };
    const report = await run(runs, { timeLimit: 60 });
    expect(report.done.map(({ spec }) => spec.seed)).toEqual([0, 2]);
    expect(report.left).toEqual([runs[1]]);
  });

  test("takes a run that told of no step for no sign of the pace", async () => {
    const long = plan("good", 2);
    // By the pace of the patient run 70 s and more; by the half second of the other, 30.
    const runs = [plan("patient"), plan("validated", 1), { ...long, spec: { ...long.spec, tokens: 2e5 } }];
    const report = await run(runs, { cards: [card(2)], timeLimit: 60 });
    expect(report.done.map(({ label }) => label)).toEqual(["validated", "patient"]);
    expect(report.left).toEqual(runs.slice(2));
  });

  test("says at once that workers cannot be started", async () => {
    const report = await run([plan("good")], { worker: [process.execPath, bundle, folder, "starts-not"] });
    expect(report.problem).toBe("a worker process did not start (exit code 3: no adapter here)");
    expect(report.left).toHaveLength(1);
  });

  test("saves the runs under way when aborted, keeps what is finished, and goes on with both", async () => {
    const abort = new AbortController();
    const report = await run([plan("good"), plan("steady", 2), plan("good", 1)], {
      signal: abort.signal,
      onEvent: (event) => event.type === "progress" && event.run.label === "steady" && abort.abort(),
    });
    expect(report.left.map(({ label }) => label)).toEqual(["steady", "good"]);
    expect(report.failed).toEqual([]);
    expect(readFileSync(out, "utf8").trim().split("\n")).toHaveLength(1);
    const saved = Number(readFileSync(join(checkpointFolder(out, plan("steady", 2)), "step-1", "done"), "utf8"));
    expect(saved).toBeGreaterThan(0);
    expect((await run([plan("good"), plan("steady", 2), plan("good", 1)])).done).toHaveLength(2);
    expect(begunAt("steady", 2)).toBe(saved);
    expect(existsSync(`${out}.checkpoints`)).toBe(false);
  });

  test("goes on from its checkpoint with a run whose worker was killed", async () => {
    let killed = false;
    const report = await run([plan("steady")], {
      onEvent: (event) => {
        if (killed || event.type !== "progress" || event.report.step < 10) return;
        killed = true;
        for (const name of readdirSync(folder).filter((file) => file.startsWith("card-"))) {
          process.kill(Number(name.slice("card-".length)), "SIGKILL");
        }
      },
    });
    expect(report.done).toHaveLength(1);
    expect(begunAt("steady")).toBeGreaterThanOrEqual(9);
  });
});

describe("a sweep over several cards", () => {
  test("keeps every card busy with its own number of processes", async () => {
    const events: SweepEvent[] = [];
    const cards = [card(1, { name: "one" }), card(2, { name: "two" })];
    const report = await run(seeds(6, "patient"), { cards, onEvent: (event) => events.push(event) });
    expect(report.done).toHaveLength(6);
    expect([sideBySide(events, "one"), sideBySide(events, "two")]).toEqual([1, 2]);
    expect([processes("one"), processes("two")]).toEqual([1, 2]);
  });

  test("starts no more side by side than the memory of a card allows", async () => {
    const events: SweepEvent[] = [];
    const memory = 2.5 * needsOf(plan("good")).memory;
    const report = await run(seeds(4, "patient"), {
      cards: [card(4, { memory })],
      onEvent: (event) => events.push(event),
    });
    expect(report.done).toHaveLength(4);
    expect(sideBySide(events, "card")).toBe(2);
  });

  test("leaves a run to the card that can hold it, or tries it where none can", async () => {
    const started: string[] = [];
    const { memory } = needsOf(plan("good"));
    const cards = [card(1, { name: "small", memory: 0.5 * memory }), card(1, { name: "large", memory: 0.9 * memory })];
    const onEvent = (event: SweepEvent) => event.type === "start" && started.push(event.card);
    expect((await run(seeds(3), { cards, onEvent })).done).toHaveLength(3);
    expect(started).toEqual(["large", "large", "large"]);
  });

  test("goes on with a run where it was begun, as long as that card is there", async () => {
    const abort = new AbortController();
    const once = (event: SweepEvent) => event.type === "progress" && event.report.step > 5 && abort.abort();
    await run([plan("steady")], { cards: [card(1, { name: "b" })], signal: abort.signal, onEvent: once });
    expect(begunOn(out, plan("steady"))).toBe("b");
    const started: string[] = [];
    const onEvent = (event: SweepEvent) => event.type === "start" && started.push(`${event.card} ${event.run.label}`);
    // The first card asks for the first run as a rule, and may not have it; a busy machine may start the second card's process first.
    await run([plan("steady"), plan("good", 1)], { cards: [card(1, { name: "a" }), card(1, { name: "b" })], onEvent });
    expect(started).toHaveLength(2);
    expect(started.filter((start) => start.endsWith("steady"))).toEqual(["b steady"]);
  });

  test("adds processes by measuring, and takes back the one that did not pay without losing its run", async () => {
    const words: string[] = [];
    const stopped: number[] = [];
    const report = await run(seeds(4, "crowded"), {
      cards: [card("auto")],
      measuring: { seconds: 0.15 },
      onEvent: (event) => {
        if (event.type === "packing") words.push(event.words);
        if (event.type === "stopped") stopped.push(event.run.spec.seed);
      },
    });
    expect(report.done).toHaveLength(4);
    expect(report.failed).toEqual([]);
    expect(words[0]).toMatch(/^1 process .* ktok\/s: trying 2$/);
    expect(words.at(-1)).toMatch(/^1 process .*, 2 together .*: 1 stays$/);
    expect(stopped).toHaveLength(1);
  });

  test("gives back a run that found no room beside another, and tries no more processes", async () => {
    const words: string[] = [];
    const runs = [plan("steady"), plan("no-room", 1), plan("good", 2)];
    const report = await run(runs, {
      cards: [card(2)],
      onEvent: (event) => event.type === "packing" && words.push(event.words),
    });
    expect(report).toMatchObject({ failed: [], done: [{}, {}, {}] });
    expect(words).toEqual(["2 processes are out of memory; 1 stays"]);
  });
});

describe("two sweeps on one file", () => {
  test("are one too many: the second is refused and trains nothing", async () => {
    const first = run(seeds(2, "steady"));
    await expect(run(seeds(2, "steady"))).rejects.toThrow(
      `${out} is being written by another sweep, process ${process.pid}; wait for it, or give another --out.`,
    );
    expect((await first).done).toHaveLength(2);
    expect(readdirSync(folder).filter((name) => name.includes("lock"))).toEqual([]);
  });

  test("may follow each other when the first was killed", async () => {
    writeFileSync(`${out}.lock`, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() }));
    expect((await run([plan("good")])).done).toHaveLength(1);
  });
});
