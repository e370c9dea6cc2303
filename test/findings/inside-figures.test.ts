/** Takes about 2 s. */
import { table } from "arquero";
import { expect, it } from "vitest";
import { alphaFigure } from "../../src/findings/inside-alpha-figure.js";
import { receptiveFieldFigure } from "../../src/findings/inside-field-figure.js";
import { mapsFigure } from "../../src/findings/inside-maps-figure.js";
import { figureDocument } from "../../src/workbook/figure.js";

const textsOf = (figure: Element) =>
  Array.from(figure.querySelectorAll("text, h2, h3"), ({ textContent }) => textContent);

/** Two heads over three tokens; the second of the last token's keys is unseen. */
const maps = table({
  layer: [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3],
  head: [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1],
  query: [0, 1, 1, 2, 2, 2, 0, 1, 1, 2, 2, 2],
  key: [0, 0, 1, 0, 1, 2, 0, 0, 1, 0, 1, 2],
  weight: [1, 0.5, 0.5, 0.01, 0, 0.99, 1, 0.5, 0.5, 0.01, 0, 0.99],
});

it("draws a rectangle for each run of one colour, and none for tokens that are not seen", () => {
  const figure = mapsFigure([{ title: "one", maps, layer: 3 }], ["a", " ", "c"], figureDocument());
  const paths = Array.from(figure.querySelectorAll("path[fill^='#'], path[fill^='rgb']"));
  // 1 | 0.5 0.5 | 0.01 – 0.99: those above 0.4 have one colour.
  expect(paths.map((path) => path.getAttribute("d")!.match(/M/g)!.length).sort()).toEqual([1, 3]);
  const texts = textsOf(figure);
  for (const text of ["one", "a", "·", "c", "0.02", "0.4", "weight"]) expect(texts).toContain(text);
});

it("says which layer a table lacks", () => {
  const draw = () => mapsFigure([{ title: "layer 7", maps, layer: 7 }], ["a", "b", "c"], figureDocument());
  expect(draw).toThrow("layer 7: the table has no layer 7.");
});

it("breaks a receptive field's line where nothing comes through, and names it at its end", () => {
  const field = table({
    distance: [0, 1, 2, 3, 4],
    gradient: [5, 3, 0, 0, 2],
    share: [0.5, 0.3, 0, 0, 0.2],
    positions: [2, 2, 2, 2, 1],
  });
  const figure = receptiveFieldFigure([{ label: "a model", pattern: "S", field }], figureDocument());
  expect(textsOf(figure)).toContain("a model");
  const [line] = Array.from(figure.querySelectorAll("g[aria-label='line'] path"));
  // Two points; distance 4 is known of one position only.
  expect(line.getAttribute("d")!.match(/[ML]/g)).toEqual(["M", "L"]);
});

it("writes α over the text, each token as wide as its letters", () => {
  const alphas = table({ layer: [1, 1, 1, 1], token: [0, 0, 1, 1], head: [0, 1, 0, 1], alpha: [0.2, 0.4, 0.9, 0.9] });
  const figure = alphaFigure(alphas, ["it", " rains"], figureDocument());
  const texts = textsOf(figure);
  for (const text of ["it", " rains", "layer 1: mean α 0.60", "0.5"]) expect(texts).toContain(text);
  const widths = Array.from(figure.querySelectorAll("g[aria-label='bar'] rect"), (rect) =>
    Number(rect.getAttribute("width")),
  );
  expect(widths[1] / widths[0]).toBeCloseTo(3, 1);
});
