import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { recordedMaps } from "../../src/findings/maps.node.js";
import { evennessFigure, keptMapsFigure } from "../../src/findings/maps-figures.js";
import { placement } from "../../src/findings/placement.js";
import { compareMarkup } from "../../src/workbook/compare.js";
import { figureDocument } from "../../src/workbook/figure.js";
import { standaloneSvg } from "../../src/workbook/svg.js";
import { testRecorded } from "./recorded-goldens.js";

testRecorded(placement, {
  tables: [
    "placement",
    "placement-ratios",
    "placement-intra",
    "placement-windows",
    "placement-repeats",
    "placement-comparisons",
  ],
  figures: ["placement", "placement-ratios"],
});

const maps = recordedMaps("placement");

test("the recorded maps give the stored figures", () => {
  if (!maps) throw new Error("data/maps/placement.json is missing: braid maps writes it (data/maps/README.md)");
  for (const [name, draw] of [
    ["placement-evenness", evennessFigure],
    ["placement-maps", keptMapsFigure],
  ] as const) {
    const file = fileURLToPath(new URL(`../../figures/${name}.svg`, import.meta.url));
    const drawn = standaloneSvg(figureDocument(), draw(maps, figureDocument()).outerHTML, name);
    expect(compareMarkup(readFileSync(file, "utf8"), drawn), `figures/${name}.svg`).toBeUndefined();
  }
});
