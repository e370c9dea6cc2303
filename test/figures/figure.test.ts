import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Plot from "@observablehq/plot";
import { afterAll, describe, expect, it } from "vitest";
import {
  architectureColor,
  architectureSymbol,
  architectures,
  contrastRatio,
  plotDefaults,
  textColour,
} from "../../src/findings/theme.js";
import { figureDocument, renderPng, saveFigure } from "../../src/workbook/figure.js";
import { lightVariant } from "../../src/workbook/svg.js";

const dir = mkdtempSync(join(tmpdir(), "braid-figures-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const data = architectures.map(({ label }, index) => ({ label, x: index, y: index / 3 }));

function chart(): Element {
  return Plot.plot({
    ...plotDefaults,
    document: figureDocument(),
    title: "Loss & speed",
    caption: "Three seeds.",
    color: { ...architectureColor(), legend: true },
    symbol: architectureSymbol(),
    marks: [Plot.dot(data, { x: "x", y: "y", stroke: "label", symbol: "label", clip: true })],
  });
}

function parse(svg: string): Document {
  const { DOMParser } = figureDocument().defaultView!;
  return new DOMParser().parseFromString(svg, "image/svg+xml");
}

describe("saveFigure", () => {
  it("writes an SVG that stands alone and a PNG, and returns the SVG", () => {
    const svg = saveFigure("stands-alone", chart(), { dir });
    expect(readFileSync(join(dir, "stands-alone.svg"), "utf8")).toBe(svg);
    expect(readFileSync(join(dir, "stands-alone.png")).subarray(1, 4).toString()).toBe("PNG");
    const root = parse(svg).documentElement;
    expect(root.namespaceURI).toBe("http://www.w3.org/2000/svg");
    expect(root.getAttribute("viewBox")).toBe(`0 0 ${root.getAttribute("width")} ${root.getAttribute("height")}`);
    expect(svg).not.toMatch(/href="http|url\((?!#)/);
  });

  it("keeps what Plot puts around a chart: title, caption and legend", () => {
    const svg = saveFigure("surroundings", chart(), { dir });
    const texts = Array.from(parse(svg).querySelectorAll("text"), (text) => text.textContent);
    for (const text of ["Loss & speed", "Three seeds.", ...architectures.map((style) => style.label)]) {
      expect(texts).toContain(text);
    }
  });

  it("gives the same bytes each time, although Plot numbers its ids through the process", () => {
    const first = saveFigure("again", chart(), { dir });
    const png = readFileSync(join(dir, "again.png"));
    expect(saveFigure("again", chart(), { dir })).toBe(first);
    expect(readFileSync(join(dir, "again.png")).equals(png)).toBe(true);
    expect(first).toContain('id="again-1"');
    expect(first).toContain("url(#again-1)");
  });

  it("follows the reader's colour scheme and paints its own background; the PNG variant is light", () => {
    const svg = saveFigure("schemes", chart(), { dir });
    expect(svg).toMatch(/@media \(prefers-color-scheme:dark\)/);
    expect(svg).toMatch(/<rect width="100%" height="100%" fill="var\(--plot-background\)"/);
    expect(lightVariant(svg)).not.toMatch(/currentColor|var\(|@media/);
  });

  it("draws text in the PNG with the font that the package brings", () => {
    const box = (text: string) => `<svg width="200" height="40"><text x="5" y="25">${text}</text></svg>`;
    const size = (text: string) => renderPng(saveFigure("text", box(text), { dir })).length;
    expect(size("Mamba → α ≤ 1:5")).toBeGreaterThan(size("") + 500);
  });

  it("rounds coordinates, and nothing else", () => {
    const svg = saveFigure("round", '<svg viewBox="0 0 9 9"><path d="M1.23456,2e-7" opacity="0.12345"/></svg>', {
      dir,
    });
    expect(svg).toContain('d="M1.23,0"');
    expect(svg).toContain('opacity="0.12345"');
  });

  it("says what is wrong with a name or a figure", () => {
    expect(() => saveFigure("../x", chart(), { dir })).toThrow('The figure name "../x" must be');
    expect(() => saveFigure("empty", "<p>none</p>", { dir })).toThrow('The figure "empty" holds no <svg> element.');
    expect(() => saveFigure("size", "<svg></svg>", { dir })).toThrow('"size" needs a width and a height, or a viewBox');
  });
});

describe("theme", () => {
  const luminance = (hex: string) =>
    [1, 3, 5]
      .map((start) => Number.parseInt(hex.slice(start, start + 2), 16) / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
      .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const contrast = (a: string, b: string) => {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };

  it("has colours that can be told from both surfaces", () => {
    for (const { colour } of architectures) {
      for (const surface of ["#ffffff", "#0f1419"]) expect(contrast(colour, surface)).toBeGreaterThan(3);
    }
  });

  it("has text in these colours that small letters can be read in, on both", () => {
    for (const { colour } of architectures) {
      for (const [scheme, surface] of [
        ["light", "#ffffff"],
        ["dark", "#0f1419"],
      ] as const) {
        const text = textColour(colour, scheme);
        expect(contrast(text, surface)).toBeGreaterThanOrEqual(4.5);
        expect(contrastRatio(text, surface)).toBeCloseTo(contrast(text, surface), 9);
        // No more ink than that takes.
        expect(contrast(text, surface)).toBeLessThan(6);
      }
    }
    expect(textColour("#1f2328", "light")).toBe("#1f2328");
    const label = (mark: string) => `<svg width="200" height="40">${mark}</svg>`;
    const svg = saveFigure("coloured", label('<text y="9" fill="#00a190">1:5</text><path fill="#00a190" d="M0 0"/>'), {
      dir,
    });
    expect(svg).toContain('<text y="9" fill="var(--text-inter)">1:5</text><path fill="#00a190"');
    expect(svg).toContain(`--text-inter:${textColour("#00a190", "dark")}`);
    expect(svg).not.toContain("--text-mamba");
    expect(lightVariant(svg)).toContain(`<text y="9" fill="${textColour("#00a190", "light")}">`);
  });
});
