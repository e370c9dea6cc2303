import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { blockRatio } from "../../src/findings/block-ratio.js";
import { findings } from "../../src/findings/index.js";
import { obtainRuns } from "../../src/findings/obtain.node.js";
import { recordedRuns } from "../../src/findings/recorded.node.js";
import { scaling } from "../../src/findings/scaling.js";
import { planStudy } from "../../src/findings/study.js";
import { findingsTable } from "../../src/findings/summary.node.js";
import { runId } from "../../src/runs/identity.js";
import { makeRecord } from "../../src/runs/record.js";
import { runFile, writeRun } from "../../src/runs/store.js";
import { fakeProvenance, fakeResult } from "../runs/fake.js";

let store: string;
const studies = blockRatio.studies.filter(({ pending }) => !pending);
const planned = studies
  .flatMap((study) => planStudy(study))
  .filter((run, i, all) => all.findIndex(({ spec }) => runId(spec) === runId(run.spec)) === i);
const records = planned.map((run, i) => makeRecord(run, fakeResult(4 + i / 1000), fakeProvenance));
const of = (study: string) => records.filter(({ finding }) => finding === study);
beforeAll(() => {
  store = mkdtempSync(join(tmpdir(), "braid-store-"));
  for (const record of records) writeRun(store, record);
});
afterAll(() => rmSync(store, { recursive: true }));

describe("recorded runs", () => {
  test("come by study, in the order of the plan, with others of the same folder left out", async () => {
    const other = { ...planned[0], spec: { ...planned[0].spec, seed: 77 } };
    writeRun(store, makeRecord(other, fakeResult(), fakeProvenance));
    const runs = await obtainRuns(blockRatio, { scale: "recorded", store });
    expect([...runs.keys()]).toEqual(studies.map(({ name }) => name));
    expect(runs.get("block-ratio")).toEqual(of("block-ratio"));
    expect(runs.get("block-ratio-flops")).toEqual(of("block-ratio-flops"));
  });

  test("of a study that shares runs with another come under its own name", () => {
    const intra = recordedRuns(blockRatio, { store }).get("block-ratio-intra")!;
    expect(intra.map(({ finding }) => finding)).toEqual(new Array(18).fill("block-ratio-intra"));
    const mamba = (runs: typeof intra) => runs.filter(({ label }) => label === "0:1").map(({ id }) => id);
    expect(mamba(intra)).toEqual(mamba(of("block-ratio")));
  });

  test("can be narrowed to studies, seeds and labels", () => {
    const some = recordedRuns(blockRatio, { store, studies: ["block-ratio"], seeds: [1], labels: ["1:5", "0:1"] });
    expect([...some.keys()]).toEqual(["block-ratio"]);
    expect(some.get("block-ratio")!.map(({ label, spec }) => `${label}/${spec.seed}`)).toEqual(["1:5/1", "0:1/1"]);
    const all = recordedRuns(blockRatio, { store, studies: [], seeds: [], labels: [] });
    expect([...all.values()].map((runs) => runs.length)).toEqual([18, 18, 12, 3, 15, 12, 15, 8, 2, 12, 5]);
    expect(() => recordedRuns(blockRatio, { store, studies: ["ratios"] })).toThrow(
      'studies: "ratios" is no study of block-ratio; it has block-ratio, block-ratio-intra',
    );
  });

  test("that are missing are listed with their files and the command that makes them", () => {
    const gone = of("block-ratio")[9];
    rmSync(runFile(store, gone));
    const read = () => recordedRuns(blockRatio, { store });
    expect(read).toThrow(
      `1 of 18 recorded runs of block-ratio are missing: ${gone.label} seed ${gone.spec.seed} (${runFile(store, gone)})`,
    );
    expect(read).toThrow('"npx braid sweep --study block-ratio --data TEXT');
    expect(() => findingsTable(store)).toThrow("1 of 18 recorded runs");
    writeRun(store, gone);
  });

  test("that are told apart by their rates are listed with them", () => {
    const gone = of("learning-rates").slice(0, 8);
    for (const run of gone) rmSync(runFile(store, run));
    expect(() => recordedRuns(blockRatio, { store })).toThrow(
      /8 of 12 recorded runs of learning-rates are missing: transformer seed 0, learning rate 0\.003 .*, and 2 more\. /,
    );
    for (const run of gone) writeRun(store, run);
  });

  test("with a number changed by hand are refused, and the message says where", () => {
    const file = runFile(store, records[3]);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replace('"nllPerToken": 4.003', '"nllPerToken": 3.903'));
    expect(() => findingsTable(store)).toThrow(
      `${file}: result of run ${records[3].id} (block-ratio ${records[3].label}, seed 0) was changed`,
    );
    writeFileSync(file, text);
  });

  test("become the rows of the README's table", () => {
    const table = findingsTable();
    expect(table).toContain("| costs | Mamba needs 18 % fewer training FLOPs");
    for (const { name } of findings)
      expect(table).toMatch(new RegExp(`\\| ${name} \\| .* \\| \\*\\*[\\w ]+\\*\\* \\|`));
  });
});

describe("runs at other scales", () => {
  test("are of studies of that size", async () => {
    await expect(obtainRuns(blockRatio, { scale: "mini", studies: ["block-ratio"] })).rejects.toThrow(
      "scale: the study block-ratio is of size nano; it was asked for at mini",
    );
    await expect(obtainRuns(scaling, { scale: "mini" })).rejects.toThrow("scale: scaling has no study of size mini");
  });
});

test("training that is stopped gives the seeds that are complete; without one it is an error", async () => {
  const stopAt = async (seed: number) => {
    const controller = new AbortController();
    const onProgress = ({ label }: { label?: string }) => {
      if (label?.includes(`seed ${seed} `)) controller.abort();
    };
    const options = { scale: "smoke", labels: ["0:1"], seeds: [0, 1], signal: controller.signal, onProgress } as const;
    return obtainRuns(blockRatio, options);
  };
  const said = vi.spyOn(console, "log").mockImplementation(() => {});
  const runs = (await stopAt(1)).get("block-ratio") ?? [];
  expect(runs.map(({ spec }) => spec.seed)).toEqual([0]);
  expect(said.mock.lastCall?.[0]).toMatch(
    /stopped at step \d of 8\. What follows rests on the seeds that are complete: 0\./,
  );
  said.mockRestore();
  await expect(stopAt(0)).rejects.toThrow(/stopped at step \d of 8/);
});
