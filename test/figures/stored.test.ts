/** The checked-in figures: each is a whole, standalone SVG with its PNG, and is drawn by a notebook. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { figureDocument, renderPng } from "../../src/workbook/figure.js";
import { checkout } from "../notebooks/fixture.js";

const folder = join(checkout, "figures");
const figures = readdirSync(folder).filter((file) => file.endsWith(".svg"));
const sources = readdirSync(join(checkout, "notebooks"))
  .filter((file) => file.endsWith(".ipynb"))
  .map((file) => readFileSync(join(checkout, "notebooks", file), "utf8"));

const { DOMParser } = figureDocument().defaultView!;
/** The outermost element. The parser does not throw at what is not well-formed: it returns a document that says so. */
const rootOf = (xml: string) => new DOMParser().parseFromString(xml, "image/svg+xml").documentElement.tagName;

describe.each(figures)("figures/%s", (file) => {
  const svg = readFileSync(join(folder, file), "utf8");
  const name = file.replace(/\.svg$/, "");

  it("is well-formed and follows the reader's colour scheme", () => {
    expect(rootOf(svg)).toBe("svg");
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg).toContain("prefers-color-scheme:dark");
  });

  // Other processors may round a pixel's shade differently.
  it.skipIf(process.arch !== "x64")("has the PNG that is made of it", () => {
    const path = join(folder, `${name}.png`);
    expect(existsSync(path)).toBe(true);
    const same = Buffer.from(renderPng(svg)).equals(readFileSync(path));
    expect(same, `figures/${name}.png is not what figures/${file} draws; \`braid run --in-place\` stores both`).toBe(
      true,
    );
  });

  it("is drawn by a notebook", () => {
    expect(sources.some((source) => source.includes(`saveFigure(\\"${name}\\"`))).toBe(true);
  });
});

it("a figure that is cut off is not well-formed", () => {
  const whole = readFileSync(join(folder, figures[0]), "utf8");
  expect(rootOf(whole.slice(0, -7))).toBe("parsererror");
});

it("no PNG is left without its SVG", () => {
  const pngs = readdirSync(folder).filter((file) => file.endsWith(".png"));
  expect(pngs.filter((file) => !existsSync(join(folder, file.replace(/\.png$/, ".svg"))))).toEqual([]);
});
