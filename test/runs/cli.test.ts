import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { register as registerFindings } from "../../src/cli/commands/findings.js";
import { register as registerRuns } from "../../src/cli/commands/runs.js";
import { register as registerSweep } from "../../src/cli/commands/sweep.js";
import { SweepDisplay } from "../../src/cli/sweep-display.js";
import { preset } from "../../src/config/index.js";
import type { HybridConfig } from "../../src/config/types.js";
import { recordedData } from "../../src/findings/protocol.js";
import { checkpointFolder } from "../../src/runs/checkpoints.js";
import { appendJsonl } from "../../src/runs/jsonl.js";
import { writeRun } from "../../src/runs/store.js";
import { fakeRecord, fakeSpec } from "./fake.js";

let folder: string;
let store: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "braid-cli-"));
  store = join(folder, "store");
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** Runs the command line and gives what it printed. */
async function braid(...args: string[]): Promise<{ out: string; err: string }> {
  const text = { out: "", err: "" };
  for (const [stream, key] of [
    [process.stdout, "out"],
    [process.stderr, "err"],
  ] as const) {
    vi.spyOn(stream, "write").mockImplementation((chunk) => {
      text[key] += chunk;
      return true;
    });
  }
  const program = new Command("braid").exitOverride();
  for (const register of [registerRuns, registerFindings, registerSweep]) register(program);
  try {
    await program.parseAsync(["node", "braid", ...args]);
  } finally {
    vi.restoreAllMocks();
  }
  return text;
}

describe("braid runs", () => {
  const books = fakeRecord({ spec: { ...fakeSpec(2), data: { ...recordedData.bpe.identity, name: "corpus" } } }, 4.25);

  test("list prints a line a run", async () => {
    writeRun(store, books);
    writeRun(store, fakeRecord());
    const { out } = await braid("runs", "list", "--store", store);
    expect(out.trim().split("\n")).toHaveLength(4);
    expect(out).toMatch(new RegExp(`${books.id}  block-ratio  1:5 +2  .*4\\.2500 .*1\\.0625 .*test adapter`));
    const none = `there are no runs of other in ${store}; there are some of block-ratio`;
    await expect(braid("runs", "list", "other", "--store", store)).rejects.toThrow(none);
    await expect(braid("runs", "list", "--store", "nowhere")).rejects.toThrow("there are no runs in nowhere");
  });

  test("show prints a run by the start of its id", async () => {
    writeRun(store, books);
    expect(JSON.parse((await braid("runs", "show", books.id.slice(0, 6), "--store", store)).out)).toEqual(books);
    await expect(braid("runs", "show", "zz", "--store", store)).rejects.toThrow(`there is no run zz in ${store}`);
  });

  test("command prints what trains a run again, and which texts that needs", async () => {
    writeRun(store, books);
    const { out } = await braid("runs", "command", books.id, "--store", store);
    expect(out).toContain(`TRAIN.txt ${recordedData.bpe.identity.sha256}, VALIDATION.txt`);
    expect(out).toContain(
      `npx braid train --spec ${store}/block-ratio/${books.id}.json --data TRAIN.txt --validation VALIDATION.txt --tokenizer data/tokenizers/books-bpe-4096.json --out out/${books.id}`,
    );
  });

  test("command cuts the text as the run's was cut", async () => {
    const cut = { ...recordedData.bpe.identity, name: "corpus[:20000000]" };
    const run = fakeRecord({ spec: { ...fakeSpec(3), data: cut } });
    writeRun(store, run);
    const lines = (await braid("runs", "command", run.id, "--store", store)).out.split("\n");
    expect(lines[1]).toMatch(
      /^npx braid tokens --data TRAIN\.txt .* --limit-tokens 20000000 --name corpus --out corpus\.tokens$/,
    );
    expect(lines[2]).toContain("--data corpus.tokens --tokenizer data/tokenizers/books-bpe-4096.json");
  });

  test("import takes finished runs in and says what it did", async () => {
    const file = join(folder, "runs.jsonl");
    appendJsonl(file, books);
    expect((await braid("runs", "import", file, "--store", store)).out).toBe(
      `1 runs added to ${store}, 0 there already\n`,
    );
    expect((await braid("runs", "import", file, "--store", store)).out).toBe(
      `0 runs added to ${store}, 1 there already\n`,
    );
  });
});

describe("braid findings", () => {
  test("names the runs that are missing", async () => {
    await expect(braid("findings", "--store", store)).rejects.toThrow(
      "18 of 18 recorded runs of block-ratio are missing",
    );
  });
});

describe("braid sweep", () => {
  const out = () => join(folder, "runs.jsonl");

  test("lists what it would train: seed by seed, without what is finished", async () => {
    const args = [
      "sweep",
      "--study",
      "block-ratio",
      "--scale",
      "smoke",
      "--labels",
      "1:0,1:5",
      "--out",
      out(),
      "--list",
    ];
    const lines = (await braid(...args)).out.trim().split("\n");
    expect(lines.map((line) => line.split("  ").slice(1, 3).join(" "))).toEqual([
      "block-ratio 1:0, seed 0",
      "block-ratio 1:5, seed 0",
      "block-ratio 1:0, seed 1",
      "block-ratio 1:5, seed 1",
    ]);
    expect(lines[0]).toMatch(/ {2}0\.50 GiB$/);
  });

  test("lists studies by name, each run once, with the rate where runs are told apart by it", async () => {
    const sweep = ["sweep", "--scale", "smoke", "--seeds", "0", "--out", out(), "--list"];
    const both = (await braid(...sweep, "--study", "block-ratio,block-ratio-intra")).out.trim().split("\n");
    expect(both.map((line) => line.split("  ").slice(1, 3).join(" "))).toEqual([
      ...["1:0", "1:1", "1:3", "1:5", "1:12", "0:1"].map((ratio) => `block-ratio ${ratio}, seed 0`),
      ...["1:0", "1:1", "1:3", "1:5", "1:12"].map((ratio) => `block-ratio-intra ${ratio}, seed 0`),
    ]);
    const rates = (await braid(...sweep, "--study", "learning-rates", "--labels", "mamba")).out.trim().split("\n");
    expect(rates.map((line) => line.split("  ")[2])).toEqual(
      [0.003, 0.006, 0.012].map((rate) => `mamba, seed 0, learning rate ${rate}`),
    );
    const long = ["--study", "learning-rates-mini-long", "--labels", "mamba"];
    const larger = (await braid(...sweep, ...long)).out.trim().split("\n");
    expect(larger.map((line) => line.split("  ")[2])).toEqual(
      [0.002, 0.004].map((rate) => `mamba, seed 0, learning rate ${rate}`),
    );
  });

  test("refuses a study of bytes on tokens", async () => {
    const text = join(folder, "text.txt");
    writeFileSync(text, "Words, and more words. ".repeat(200));
    const bpe = ["--data", text, "--tokenizer", "data/tokenizers/books-bpe-4096.json"];
    const list = ["sweep", "--study", "bytes", "--seeds", "0", "--out", out(), "--list"];
    await expect(braid(...list, ...bpe)).rejects.toThrow(
      "--tokenizer: the study bytes reads bytes; leave the tokenizer out",
    );
    expect((await braid(...list, "--data", text)).out.trim().split("\n")).toHaveLength(4);
  });

  test("takes the studies of a finding that read such data", async () => {
    const few = ["sweep", "--finding", "block-ratio", "--scale", "smoke", "--seeds", "0", "--out", out(), "--list"];
    const mamba = (await braid(...few, "--labels", "mamba")).out;
    expect(mamba.trim().split("\n"), "three rates of nano size, three of mini").toHaveLength(6);
    await expect(braid(...few, "--labels", "1:1,2:1")).rejects.toThrow(
      '--labels: "2:1" is in none of the studies; they have 1:0, 1:1, 1:3, 1:5, 1:12, 0:1, transformer',
    );
    // Its studies are planned on tokens; on bytes all of them are tried.
    const all = (await braid(...few)).out;
    for (const [study, label] of [
      ["block-ratio", "1:0"],
      ["block-ratio-intra", "1:5"],
      ["learning-rates", "inter"],
    ]) {
      expect(all).toContain(`  ${study}  ${label}, seed 0`);
    }
  });

  test("reads specs from a file and names the entry and field at fault", async () => {
    const specs = join(folder, "specs.json");
    const { finding, label, spec } = fakeRecord();
    writeFileSync(specs, JSON.stringify([{ finding, label, spec }]));
    const args = ["sweep", "--specs", specs, "--data", "synthetic", "--out", out(), "--list"];
    expect((await braid(...args)).out).toContain("block-ratio  1:5, seed 0");
    writeFileSync(specs, JSON.stringify([{ finding, label, spec: { ...spec, batch: { sequences: 2, width: 3 } } }]));
    await expect(braid(...args)).rejects.toThrow(`${specs}, entry 1: spec.batch`);
  });

  test("refuses beside specs what they say themselves", async () => {
    const specs = join(folder, "specs.json");
    writeFileSync(specs, "[]");
    for (const [option, value] of [
      ["--seeds", "0"],
      ["--labels", "1:5"],
      ["--tokens", "4e6"],
    ])
      await expect(
        braid("sweep", "--specs", specs, "--data", "synthetic", option, value, "--out", out()),
      ).rejects.toThrow(`${option}: the specs of --specs say it themselves; leave it out`);
  });

  test("clears away the checkpoints of a run that is in the file already", async () => {
    const specs = join(folder, "specs.json");
    const record = fakeRecord();
    const { finding, label, spec } = record;
    writeFileSync(specs, JSON.stringify([{ finding, label, spec }]));
    appendJsonl(out(), record);
    // As a kill between the record and the clearing leaves it.
    const left = join(checkpointFolder(out(), record), "step-4");
    mkdirSync(left, { recursive: true });
    const { err } = await braid("sweep", "--specs", specs, "--data", "synthetic", "--out", out());
    expect(err).toBe("1 runs, 1 of them finished before\n");
    expect(existsSync(left)).toBe(false);
    expect(existsSync(`${out()}.checkpoints`)).toBe(false);
  });

  test("refuses a model that cannot be built before any run is started", async () => {
    const specs = join(folder, "specs.json");
    const { finding, label, spec } = fakeRecord();
    const config = preset("nano", { pattern: "H", vocabSize: 256 });
    config.hybrid = { ...(config.hybrid as HybridConfig), dQk: 8 };
    writeFileSync(specs, JSON.stringify([{ finding, label, spec: { ...spec, config } }]));
    await expect(braid("sweep", "--specs", specs, "--data", "synthetic", "--out", out())).rejects.toThrow(
      "block-ratio, 1:5: hybrid.dQk / heads: 2 can be costed but not built; it must be a multiple of 4",
    );
    expect(existsSync(out())).toBe(false);
  });

  test.each([
    [["--finding", "block-ratios", "--data", "synthetic"], '"block-ratios" is not known; findings are block-ratio'],
    [["--finding", "block-ratio"], "--data: name the data to train on"],
    [["--data", "synthetic"], "give one of --finding, --study and --specs"],
    [["--finding", "block-ratio", "--study", "block-ratio"], "give one of --finding, --study and --specs"],
    [["--finding", "block-ratio", "--scale", "smoke", "--seeds", "0,"], "It must be a whole number of 0 or more."],
    [["--study", "nope"], 'study: "nope" is not known; studies are block-ratio, '],
    [["--finding", "block-ratio", "--study", "moe", "--scale", "smoke"], "give one of --finding, --study and --specs"],
    [["--study", "block-ratios", "--scale", "smoke"], 'study: "block-ratios" is not known; studies are block-ratio, '],
    [["--finding", "block-ratio", "--scale", "smoke", "--seeds", "0,x"], "It must be a whole number of 0 or more."],
    [
      ["--finding", "block-ratio", "--scale", "smoke", "--adapters", "quantum"],
      '--adapters: "quantum" is no adapter of',
    ],
    [
      ["--finding", "block-ratio", "--scale", "smoke", "--jobs", "some"],
      'It must be a whole number above 0, or "auto".',
    ],
    [["--finding", "block-ratio", "--scale", "smoke", "--memory", "-1"], "It must be a number above 0"],
    [["--finding", "block-ratio", "--scale", "smoke", "--checkpoint-seconds", "x"], "It must be a number above 0"],
  ])("refuses %j", async (args, message) => {
    await expect(braid("sweep", ...args, "--out", out())).rejects.toThrow(message);
  });
});

describe("the sweep's display", () => {
  const runs = [0, 1, 2].map((seed) => fakeRecord({ spec: fakeSpec(seed) }));
  const at = (seed: number) => ({ run: runs[seed], card: "card", job: seed });
  const step = (number: number, tokensPerSecond: number) =>
    ({ type: "progress", step: number, steps: 32, loss: 3.25, tokensPerSecond, secondsLeft: 80 }) as const;
  const shown = (isTTY: boolean, rest = {}) => {
    const parts: string[] = [];
    return { parts, display: new SweepDisplay(runs, { isTTY, write: (part) => parts.push(part), ...rest }) };
  };

  test("prints a line for each run that ends and rewrites the table of those under way", () => {
    const { parts, display } = shown(true);
    display.show({ type: "start", ...at(0) });
    display.show({ type: "done", ...at(0), record: runs[0] });
    const text = parts.join("");
    expect(text).toContain("1 of 3  1:5, seed 0: 3.0000 nats a token, 1.00 ktok/s, 4 s\n");
    // Headings, a rule, one worker, the total.
    expect(text).toContain("\u001b[4A\u001b[J");
    display.close();
  });

  test("has a line a worker and one for all", () => {
    const { parts, display } = shown(true);
    display.show({ type: "start", ...at(0) });
    display.show({ type: "progress", ...at(0), report: step(8, 600) });
    display.show({ type: "start", ...at(1) });
    display.show({ type: "progress", ...at(1), report: step(1, 400) });
    display.show({ type: "start", ...at(2) });
    const lines = parts.at(-1)?.split("\n") ?? [];
    expect(lines[0]).toMatch(/^ +adapter +run +step +loss +speed +left$/);
    expect(lines[2]).toMatch(/^1 +card +1:5, seed 0 +8\/32 +3\.250 +600 tok\/s +1 min 20 s$/);
    expect(lines[4]).toMatch(/^3 +card +1:5, seed 2 +starting$/);
    // 4096 tokens a run; 8 and 1 of 32 steps done, 11136 tokens to go at 1000 a second.
    expect(lines[5]).toMatch(/^0 of 3 done, 3 under way, 0 left, 1\.00 ktok\/s in all, \d+ s so far, 11 s to go$/);
  });

  test("counts no tokens of a run that told of no step", () => {
    const { parts, display } = shown(true);
    display.show({ type: "start", ...at(0) });
    display.show({ type: "done", ...at(0), record: runs[0] });
    display.show({ type: "start", ...at(1) });
    display.show({ type: "progress", ...at(1), report: step(8, 1000) });
    display.show({ type: "start", ...at(2) });
    // 7168 tokens to go at the 1000 a second of the one under way.
    expect(parts.at(-1)).toContain("so far, 7 s to go\n");
  });

  test("stays within the screen", () => {
    const { parts, display } = shown(true, { rows: 8, columns: 30 });
    for (let job = 0; job < 12; job++) display.show({ type: "start", run: runs[0], card: "card", job });
    const lines = parts.at(-1)?.trimEnd().split("\n") ?? [];
    expect(lines).toHaveLength(6);
    expect(lines[4]).toBe("… 10 more");
    for (const line of lines) expect(line.length).toBeLessThan(30);
  });

  test("says elsewhere than in a terminal what happened, without moving the cursor", () => {
    const { parts, display } = shown(false);
    display.show({ type: "start", ...at(0) });
    display.show({ type: "packing", card: "card", words: "1 process 541 ktok/s: trying 2" });
    display.show({ type: "failed", ...at(0), message: "the worker ended", again: true });
    display.show({ type: "failed", ...at(0), message: "the worker ended", again: false });
    display.close();
    const text = parts.join("");
    expect(text).toContain("card: 1 process 541 ktok/s: trying 2\n");
    expect(text).toContain("1:5, seed 0: the worker ended; trying again\n1:5, seed 0: the worker ended\n");
    expect(text).not.toContain("\u001b");
  });
});
