import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Generator } from "../../src/generate/generator.js";
import { familyOf } from "../../src/model/families/table.js";
import { loadModel } from "../../src/model/folder.node.js";
import { Parameters } from "../../src/model/parameters.js";
import { expectClose, useGpu } from "../ops/harness.js";
import { expectedOf, fixtures, folderOf } from "./fixtures.js";

const holder = useGpu();

const typeOf = (fixture: string): string =>
  JSON.parse(readFileSync(`${folderOf(fixture)}/config.json`, "utf8")).model_type;

describe("from layers' states, tokens get the logits that transformers gives them without any cache:", () => {
  it.each(fixtures.filter((fixture) => familyOf(typeOf(fixture))))("%s", async (fixture) => {
    const { config, values } = loadModel(folderOf(fixture));
    const expected = expectedOf(fixture);
    const ids = expected.integers("ids.64");
    const kept = expected.integers("positions.64");
    const rows = expected.floats("logits.64").values;
    const last = rows.slice(-config.vocabSize);
    expect(kept.at(-1)).toBe(63);
    const parameters = new Parameters(holder.gpu, config, false);
    parameters.load(values);
    const generator = new Generator(holder.gpu, parameters, ids.length);

    expectClose("prefill in one go", await generator.prefill(ids), last, 1e-4);

    let logits = await generator.prefill(ids.slice(0, 1));
    for (const [from, to] of [
      [1, 4],
      [4, 21],
      [21, 64],
    ])
      logits = await generator.extend(ids.slice(from, to));
    expectClose("prefill in pieces of 1, 3, 17 and 43", logits, last, 1e-4);

    const found: number[] = [];
    const steps = kept.findIndex((position) => position >= 36);
    for (let i = 0; i <= kept[steps]; i++) {
      logits = await (i === 0 ? generator.prefill(ids.slice(0, 1)) : generator.decode(ids[i]));
      if (kept.includes(i)) found.push(...logits);
    }
    expect(found.length).toBeGreaterThan(3 * config.vocabSize);
    expectClose("token by token", found, rows.slice(0, found.length), 1e-4);
    logits = await generator.extend(ids.slice(kept[steps] + 1));
    expectClose("the rest in one go", logits, last, 1e-4);

    generator.destroy();
    parameters.destroy();
  });
});
