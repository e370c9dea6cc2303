import { describe, expect, it } from "vitest";
import { compareMarkup, compareText, sanitise } from "../../src/workbook/compare.js";

describe("sanitise", () => {
  it("hides what differs from run to run without meaning anything", () => {
    expect(sanitise("done at 2026-11-22T05:46:16.123Z after 1 min 20 s")).toBe(
      "done at <time> after <duration> <duration>",
    );
    expect(sanitise("12.3 ktok/s, 940 tok/s, 34 TFLOP/s, 1,200 tokens/s")).toBe("<rate>, <rate>, <rate>, <rate>");
    expect(sanitise("wrote /home/me/out/a.svg at 0x7ffe12ab")).toBe("wrote <path> at <address>");
  });

  it("keeps results", () => {
    for (const text of [
      "loss 3.214 ± 0.002",
      "3 seeds of 16 layers",
      "ratio 1:5, 1/2 as much",
      "-18.3 %",
      "2.09e19 FLOPs",
    ]) {
      expect(sanitise(text)).toBe(text);
    }
  });
});

describe("compareText", () => {
  it("names the first line that differs", () => {
    expect(compareText("a\nb 2 s\nc", "a\nb 3 s\nd")).toEqual({ where: "line 3", stored: "c", fresh: "d" });
    expect(compareText("a", "a\nb")).toEqual({ where: "line 2", stored: "(nothing)", fresh: "b" });
    expect(compareText("in 2 s\n", "in 4 s")).toBeUndefined();
  });
});

describe("compareMarkup", () => {
  const svg = (d: string, fill = "#5b64e7", text = "loss") =>
    `<svg><path fill="${fill}" d="${d}"/><text>${text}</text></svg>`;

  it("allows the last digits of coordinates to differ, and nothing else", () => {
    expect(compareMarkup(svg("M0,1.001L2,3"), svg("M0,1.002L2,3"))).toBeUndefined();
    expect(compareMarkup(svg("M0,1L2,3"), svg("M0,1.2L2,3"))).toMatchObject({ where: "<path> 2, attribute d" });
    expect(compareMarkup(svg("M0,1"), svg("M0,1L2,3"))).toMatchObject({ where: "<path> 2, attribute d" });
    expect(compareMarkup(svg("M0,1"), svg("M0,1", "#5b64e8"))).toMatchObject({ where: "<path> 2, attribute fill" });
    expect(compareMarkup(svg("M0,1"), svg("M0,1", "#5b64e7", "less"))).toMatchObject({ stored: "loss", fresh: "less" });
  });
});
