import { describe, expect, test } from "vitest";
import { countParameters } from "../../src/config/index.js";
import { cost } from "../../src/cost/index.js";
import { bytes } from "../../src/findings/bytes.js";
import { paperTokensTable } from "../../src/findings/bytes-paper.js";
import { bytesStudies, trainBytesPerToken } from "../../src/findings/bytes-studies.js";
import type { StudyRuns } from "../../src/findings/finding.js";
import { fourArchitectures } from "../../src/findings/models.js";
import { paperTablesOf } from "../../src/findings/recorded.node.js";
import { planStudy } from "../../src/findings/study.js";
import { runId } from "../../src/runs/identity.js";
import { makeRecord } from "../../src/runs/record.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { fakeProvenance, fakeResult } from "../runs/fake.js";

const paper = paperTablesOf(bytes);

/** Made-up losses a byte: those of the Transformer by study, the others as differences to it. */
const levels: Record<string, number> = { bytes: 1.15, "bytes-bpe-flops": 1.05, "bytes-bpe-text": 1.25 };
interface Leads {
  mamba: number;
  inter: number;
  intra: number;
}
const asEssay: Record<string, Leads> = {
  bytes: { mamba: -0.03, inter: -0.04, intra: -0.05 },
  "bytes-bpe-flops": { mamba: 0, inter: -0.01, intra: -0.01 },
  "bytes-bpe-text": { mamba: 0.002, inter: -0.01, intra: -0.01 },
};

interface Fake {
  studies?: string[];
  leads?: Record<string, Leads>;
  noise?: number;
  seeds?: number[];
}

/** Runs as planned, with those losses, a shift a seed and some noise. */
function fakeRuns({ studies = Object.keys(levels), leads = asEssay, noise = 0.0005, seeds }: Fake = {}): StudyRuns {
  const made = studies.map((name) => {
    const study = bytesStudies.find((candidate) => candidate.name === name)!;
    const runs = planStudy(study, { seeds }).map((run) => {
      const { seed, optimizer, config, tokens } = run.spec;
      const wobble = Math.sin(97 * seed + 13 * name.length + 7 * run.label.length);
      const level = levels[name] ?? 1.2 + Math.abs(optimizer.lr - 6e-3);
      const lead = run.label === "transformer" ? 0 : (leads[name]?.[run.label as keyof Leads] ?? 0);
      const perByte = level + lead + 0.01 * seed + noise * wobble;
      const { total, nonEmbedding } = countParameters(config);
      const task = { correct: 300 + seed, questions: 1000 };
      const result = {
        ...fakeResult(),
        tokens,
        params: { total, nonEmbedding },
        validation: { nllPerToken: 3.5 * perByte, nllPerByte: perByte, tokens: 1000, bytes: 3500 },
        tasks: { cloze: task, lastWord: task, recall: task },
      };
      return makeRecord(run, result, fakeProvenance);
    });
    return [name, runs] as const;
  });
  return new Map(made);
}

const outcomes = (fake: Fake) => bytes.verdicts(fakeRuns(fake), paper).map(({ outcome }) => outcome);

describe("the studies of bytes", () => {
  const planned = (name: string) => planStudy(bytesStudies.find((study) => study.name === name)!);

  test("train four architectures with three seeds, matched within 2 % in weights whatever the vocabulary", () => {
    const all = Object.keys(levels).flatMap(planned);
    expect(new Set(all.map(({ spec }) => runId(spec))).size).toBe(36);
    expect(new Set(all.map(({ label }) => label))).toEqual(new Set(fourArchitectures));
    const counts = all.map(({ spec }) => countParameters(spec.config).nonEmbedding);
    expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.02);
  });

  test("read the same text within 1 %, or spend the same FLOPs to the last one", () => {
    const [onBytes, text, flops] = ["bytes", "bytes-bpe-text", "bytes-bpe-flops"].map(planned);
    for (const [i, { spec }] of onBytes.entries()) {
      expect(Math.abs((text[i].spec.tokens * trainBytesPerToken) / spec.tokens - 1)).toBeLessThan(0.01);
      const flopsOf = ({ config, batch, tokens }: typeof spec) =>
        cost(config, { context: batch.length, tokens }).trainFlops;
      expect(flopsOf(flops[i].spec)).toBe(flopsOf(spec));
    }
  });
});

describe("the tables of bytes", () => {
  test("give losses a byte, paired differences, accuracies and the text that was read", () => {
    const rows = bytes.tables(fakeRuns({ noise: 0 }), paper).bytes;
    expect(rows.map(({ setting, architecture }) => `${setting}: ${architecture}`)).toEqual(
      ["bytes", "BPE, equal text", "BPE, equal FLOPs"].flatMap((setting) =>
        ["Transformer", "Mamba", "Inter-hybrid", "Intra-hybrid"].map((architecture) => `${setting}: ${architecture}`),
      ),
    );
    expect(rows[6]).toMatchObject({
      tokens: 9469952,
      textBytes: 33703559,
      seeds: 3,
      nllPerByte: 1.25,
      sd: 0.01,
      vsTransformer: -0.01,
      vsTransformerHalf: 0,
      vsMamba: -0.012,
      cloze: 30.1,
      scoredBytes: 3500,
    });
  });

  test("compare leads between bytes and tokens", () => {
    expect(bytes.tables(fakeRuns({ noise: 0 }), paper)["bytes-leads"].slice(0, 2)).toMatchObject([
      { architecture: "Mamba", against: "BPE, equal text", onBytes: -0.03, onBpe: 0.002, change: -0.032, seeds: 3 },
      { architecture: "Mamba", against: "BPE, equal FLOPs", onBytes: -0.03, onBpe: 0, change: -0.03, seeds: 3 },
    ]);
  });

  test("say what the output product adds to the FLOPs: 6 times vocabulary times width a token", () => {
    const row = bytes.tables(fakeRuns(), paper)["bytes-costs"][8];
    expect(row).toMatchObject({ setting: "BPE, equal FLOPs", architecture: "Transformer", vocabulary: 4096 });
    expect(Number(row.petaFlopsWithOutput) - Number(row.petaFlops)).toBeCloseTo((6 * 4096 * 128 * 2 ** 25) / 1e15, 3);
  });

  test("mark the best rate of each architecture", () => {
    const runs = fakeRuns({ studies: ["bytes-learning-rates"], noise: 0 });
    const best = bytes.tables(runs, paper)["bytes-learning-rates"].filter((row) => row.best === "best");
    expect(best.map(({ lr, aboveBest }) => [lr, aboveBest])).toEqual(new Array(4).fill([6e-3, 0]));
  });

  test("say how much a seed moves the hybrid's loss a byte", () => {
    const runs = fakeRuns({ studies: ["bytes-seed-noise"], noise: 0 });
    expect(runs.get("bytes-seed-noise")).toHaveLength(5);
    expect(bytes.tables(runs, paper)["bytes-seeds"]).toEqual([
      { model: "inter 1:5", seeds: 5, nllPerByte: 1.22, sd: 0.0158, lowest: 1.2, highest: 1.24 },
    ]);
  });

  test("set differences on bytes against the noisier of their two models, the hybrid's by all its seeds", () => {
    const runs = fakeRuns({ studies: ["bytes"], noise: 0 });
    // Seeds 0 to 2 lie 0.01 apart.
    const [mamba, inter] = bytes.tables(runs, paper)["bytes-effects"];
    expect(mamba).toMatchObject({
      comparison: "Mamba − Transformer",
      difference: -0.03,
      noise: 0.01,
      inNoise: 3,
      seeds: 3,
    });
    expect(inter).toMatchObject({ comparison: "Inter-hybrid − Transformer", noise: 0.01 });
    const more = new Map([...runs, ...fakeRuns({ studies: ["bytes-seed-noise"], noise: 0 })]);
    const rows = bytes.tables(more, paper)["bytes-effects"];
    expect(rows.map(({ noise }) => noise)).toEqual([0.01, 0.0158, 0.01, 0.0158, 0.01]);
  });

  test("leave out what has no runs, and intervals of one seed", () => {
    const tables = bytes.tables(fakeRuns({ studies: ["bytes"], seeds: [0] }), paper);
    expect(Object.keys(tables)).toEqual(["bytes", "bytes-costs"]);
    expect(tables.bytes[1]).toMatchObject({ seeds: 1, sd: null, vsTransformerHalf: null });
    expect(bytes.tables(new Map(), paper)).toEqual({});
  });

  test("refuse two runs of a seed, seeds that do not pair, and architectures without runs", () => {
    const own = fakeRuns({ studies: ["bytes"] }).get("bytes")!;
    const tables = (runs: typeof own) => () => bytes.tables(new Map([["bytes", runs]]), paper);
    expect(tables([...own, own[0]])).toThrow("bytes: two runs of transformer share seed 0");
    expect(tables(own.filter(({ label, spec }) => label !== "transformer" || spec.seed === 0))).toThrow(
      "transformer against mamba: of seeds 0 and 0, 1, 2 fewer than two pair",
    );
    expect(tables(own.filter(({ label }) => label !== "mamba"))).toThrow("there are no runs of mamba");
  });
});

describe("the verdicts of bytes", () => {
  test("hold where losses are as the essay has them", () => {
    expect(outcomes({})).toEqual(["reproduced", "reproduced", "reproduced"]);
    const [first, second, third] = bytes.verdicts(fakeRuns(), paper);
    expect(first.evidence).toContain("at 82 % of its training FLOPs");
    expect(second.paper).toContain("(Table 2, 1B) Mamba is +0.008 nats a token");
    expect(third.paper).toContain("−0.015 (inter) and −0.022 (intra) nats a token against the Transformer");
    expect([first, second, third].map(({ parts }) => parts.length)).toEqual([1, 2, 4]);
  });

  test("are contradicted where the Transformer gains from bytes", () => {
    const other = { mamba: 0.02, inter: 0.01, intra: 0.01 };
    expect(outcomes({ leads: { ...asEssay, bytes: other } })).toEqual(new Array(3).fill("contradicted"));
  });

  test("stay open in noise, and with one seed", () => {
    expect(outcomes({ noise: 0.1 })).toEqual(new Array(3).fill("unresolved"));
    expect(outcomes({ seeds: [0] })).toEqual(new Array(3).fill("unresolved"));
  });

  test("are those whose studies are there", () => {
    expect(outcomes({ studies: ["bytes"] })).toEqual(["reproduced", "reproduced"]);
    expect(outcomes({ studies: ["bytes", "bytes-bpe-flops"] })).toHaveLength(3);
    expect(outcomes({ studies: ["bytes-bpe-text", "bytes-bpe-flops"] })).toEqual([]);
  });

  test("name what is missing from the paper's table", () => {
    expect(() => bytes.verdicts(fakeRuns(), { [paperTokensTable]: [] })).toThrow(
      "data/paper/table02_main_1b.csv: no loss of Mamba at equal data",
    );
  });
});

describe("the figures of bytes", () => {
  const draw = (fake: Fake) => bytes.figures(fakeRuns(fake), paper, figureDocument());

  test("name every setting and architecture and give every mean", () => {
    const figures = draw({ noise: 0 });
    expect(Object.keys(figures)).toEqual(["bytes", "bytes-lead"]);
    const texts = (name: string) => [...figures[name].querySelectorAll("text")].map(({ textContent }) => textContent);
    for (const name of ["bytes", "BPE, equal text", "BPE, equal FLOPs", "Transformer", "Intra-hybrid", "1.160"]) {
      expect(texts("bytes")).toContain(name);
    }
    expect(texts("bytes-lead")).toContain("−0.030");
    expect(texts("bytes-lead")).not.toContain("Transformer");
  });

  test("are drawn of what there is, without intervals of one seed", () => {
    expect(draw({ studies: ["bytes"], seeds: [0] }).bytes.outerHTML).not.toContain("NaN");
    expect(draw({ studies: ["bytes-learning-rates"] })).toEqual({});
  });

  test("are the same markup from the same runs", () => {
    const markup = () => draw({})["bytes-lead"].outerHTML.replaceAll(/plot-\w+/g, "");
    expect(markup()).toBe(markup());
  });
});
