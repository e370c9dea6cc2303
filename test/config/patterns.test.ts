import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  indicesOf,
  PLACES,
  paperSet,
  paperSets,
  patternFromIndices,
  placeLayers,
  ratioPattern,
} from "../../src/config/index.js";

const attention = { expensive: "T", cheap: "M" } as const;

describe("placement by the rule", () => {
  const ruled = paperSets.filter((set) => !set.exception && set.place !== "single");
  it.each(ruled)("gives the set of Table $table at $size, $ratio $place: $indices", ({ indices, layers, place }) => {
    if (place === "single") throw new Error("filtered above");
    expect(placeLayers(indices.length, layers, place)).toEqual(indices);
  });

  const exceptions = paperSets.filter((set) => set.exception);
  it.each(exceptions)("does not give the set of Table $table at $size, $ratio $place: $exception", (set) => {
    if (set.place === "single") throw new Error("no single set is an exception");
    expect(placeLayers(set.indices.length, set.layers, set.place)).not.toEqual(set.indices);
  });

  it("gives 26 of the 33 printed sets and leaves 7 to the paper", () => {
    expect(ruled.length).toBe(26);
    expect(exceptions.length).toBe(7);
  });

  it("puts a single layer in the middle where Table 16 has it: 7 of 13, 6 of 11", () => {
    expect(placeLayers(1, 13, "middle")).toEqual([7]);
    expect(placeLayers(1, 11, "middle")).toEqual([6]);
  });

  it("gives distinct ascending layers, for any counts", () => {
    const sizes = fc.integer({ min: 1, max: 40 }).chain((layers) => fc.tuple(fc.constant(layers), fc.nat(layers)));
    fc.assert(
      fc.property(sizes, fc.constantFrom(...PLACES), ([layers, count], place) => {
        const indices = placeLayers(count, layers, place);
        expect(indices).toHaveLength(count);
        expect(indices.every((index, k) => index >= 1 && index <= layers && (k === 0 || index > indices[k - 1]))).toBe(
          true,
        );
        if ((place === "middle" || place === "scatter") && count < layers) expect(indices).not.toContain(1);
      }),
    );
  });
});

describe("the paper's own sets", () => {
  it("are those of data/paper, row by row", () => {
    const printed = [11, 17, 21].flatMap((table) => printedSets(table));
    const held = paperSets.map(({ table, size, ratio, place, indices }) =>
      [table, size, ratio, place, indices.join(";")].join(" "),
    );
    expect(held).toEqual(printed);
  });

  it("can be asked for by table, size, ratio and place", () => {
    expect(paperSet(17, "1b", "1:5", "end")).toEqual([4, 11]);
    expect(() => paperSet(21, "1b", "1:5", "front")).toThrow("prints cluster, scatter, sandwich");
  });
});

describe("patterns", () => {
  it("come from a ratio and a place", () => {
    expect(ratioPattern("1:3", { layers: 13, place: "middle", ...attention })).toBe("MMTMMMTMMMTMM");
    expect(ratioPattern("1:5", { layers: 16, place: "middle", expensive: "T", cheap: "S" })).toBe("SSSSTSSSTSSSTSSS");
    expect(ratioPattern("1:0", { layers: 4, place: "front", ...attention })).toBe("TTTT");
    expect(ratioPattern("0:1", { layers: 4, place: "front", ...attention })).toBe("MMMM");
  });

  it("come from indices, and give them back", () => {
    const pattern = patternFromIndices([4, 8], { layers: 13, ...attention });
    expect(pattern).toBe("MMMTMMMTMMMMM");
    expect(indicesOf(pattern, "T")).toEqual([4, 8]);
  });

  it("are refused in a sentence when they make no sense", () => {
    expect(() => ratioPattern("1/5", { layers: 13, place: "middle", ...attention })).toThrow('ratio: "1/5"');
    expect(() => ratioPattern("0:0", { layers: 13, place: "middle", ...attention })).toThrow("not both zero");
    expect(() => ratioPattern("1:5", { layers: 0, place: "middle", ...attention })).toThrow("layers: 0");
    expect(() => patternFromIndices([0], { layers: 3, ...attention })).toThrow("numbered from 1 to 3");
    expect(() => patternFromIndices([2, 2], { layers: 3, ...attention })).toThrow("layer 2 is given twice");
    expect(() => patternFromIndices([2], { layers: 3, expensive: "TT", cheap: "M" })).toThrow('expensive: "TT"');
  });
});

/** Every row of a placement table but the all-or-nothing ones, written as in the test above. */
function printedSets(table: number): string[] {
  const names: Record<number, string> = { 11: "swa_placement", 17: "placement", 21: "intra_placement" };
  const url = new URL(`../../data/paper/table${table}_${names[table]}.csv`, import.meta.url);
  const [header, ...rows] = readFileSync(url, "utf8").trim().split("\n");
  const column = (name: string) => header.split(",").indexOf(name);
  const indexColumn = column(table === 21 ? "intra_indices" : "attn_indices");
  return rows
    .map((row) => row.split(","))
    .filter((cells) => cells[column("pattern")] !== "")
    .map((cells) =>
      [
        table,
        cells[column("size")].toLowerCase(),
        cells[column("ratio")],
        cells[column("pattern")].toLowerCase(),
        cells[indexColumn],
      ].join(" "),
    );
}
