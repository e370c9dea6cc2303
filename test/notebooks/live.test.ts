import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { terminalProgress, timingProgress } from "../../src/cli/progress.js";
import { durationText, progressText, rateText, type TrainProgress } from "../../src/train/progress.js";
import { liveProgress, progressIn } from "../../src/workbook/live.js";
import { htmlTable, plusMinus } from "../../src/workbook/table.js";

function at(step: number, more: Partial<TrainProgress> = {}): TrainProgress {
  return {
    step,
    steps: 1000,
    tokens: step * 1024,
    loss: 5 - step / 500,
    tokensPerSecond: 12_345,
    secondsLeft: 80,
    ...more,
  };
}

describe("progress as text", () => {
  it("has step, loss, speed and time left", () => {
    expect(progressText(at(120))).toBe("step 120/1000, loss 4.760, 12.3 ktok/s, 1 min 20 s left");
    expect(progressText(at(1000, { label: "1:5", validation: 3.2 }))).toBe(
      "1:5: step 1000/1000, loss 3.000, validation 3.200, 12.3 ktok/s, done",
    );
  });

  it("writes rates and durations with few digits", () => {
    expect([940, 12_345, 152_000, 999_900, 1_523_000].map(rateText)).toEqual([
      "940 tok/s",
      "12.3 ktok/s",
      "152 ktok/s",
      "1.00 Mtok/s",
      "1.52 Mtok/s",
    ]);
    expect([0.4, 59.6, 80, 7500].map(durationText)).toEqual(["0 s", "1 min 0 s", "1 min 20 s", "2 h 5 min"]);
  });
});

describe("in a terminal and in a notebook", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** A thousand steps, one each 10 ms, and the validation at the end. */
  function train(report: (progress: TrainProgress) => void): void {
    for (let step = 1; step <= 1000; step++) {
      vi.advanceTimersByTime(10);
      report(at(step));
    }
    for (let validating = 0; validating < 1; validating += 0.025) {
      vi.advanceTimersByTime(10);
      report(at(1000, { validating }));
    }
    report(at(1000, { validation: 3.2 }));
  }

  it("one terminal line is written over a few times a second", () => {
    const written: string[] = [];
    train(terminalProgress({ isTTY: true, columns: 40, write: (text) => written.push(text) }));
    expect(written.length).toBeGreaterThan(40);
    expect(written.length).toBeLessThanOrEqual(54);
    expect(written.every((text) => text.startsWith("\r\u001b[K") && text.length <= 45)).toBe(true);
    expect(written.at(-1)).toMatch(/step 1000\/1000.*\n$/);
  });

  it("one line says how many products have been timed, and goes when all are; a log gets it once", () => {
    const [terminal, log]: string[][] = [[], []];
    for (const [written, isTTY] of [
      [terminal, true],
      [log, false],
    ] as const) {
      const report = timingProgress({ isTTY, write: (text) => written.push(text) });
      for (let done = 0; done <= 2; done++) report(done, 2);
    }
    const text = "timing the forms of 2 products, the first time on this adapter";
    expect(terminal).toEqual([`\r\u001b[K${text}: 0 done`, `\r\u001b[K${text}: 1 done`, "\r\u001b[K"]);
    expect(log).toEqual([`${text}\n`]);
  });

  it("a log gets a line every ten seconds, validations and the end included", () => {
    const written: string[] = [];
    train(terminalProgress({ write: (text) => written.push(text) }));
    expect(written.map((text) => /step (\d+)/.exec(text)?.[1])).toEqual(["1", "1000", "1000"]);
    expect(written[1]).toMatch(/validating, \d+ %\n$/);
    expect(written[2]).toMatch(/validation 3\.200, .* done\n$/);
  });

  it("a notebook gets one display, updated a few times a second, with curve, loss, speed and time left", () => {
    const shown: string[] = [];
    const newDisplay = vi.fn(() => ({ html: (markup: string) => void shown.push(markup) }));
    train(liveProgress({ newDisplay }));
    expect(newDisplay).toHaveBeenCalledTimes(1);
    expect(shown.length).toBeGreaterThan(30);
    expect(shown.length).toBeLessThanOrEqual(36);
    const text = shown.join();
    for (const part of ["481 of 1000", "12.3 ktok/s", "1 min 20 s"]) expect(text.includes(part)).toBe(true);
    expect(text).toMatch(/validating, \d+ %/);
    for (const part of [">validation</span> 3.2000", "</span> done"]) expect(shown.at(-1)).toContain(part);
    const points = /polyline points="([^"]*)"/.exec(shown.at(-1)!)![1].split(" ");
    expect(points.length).toBeGreaterThan(100);
    expect(points.length).toBeLessThanOrEqual(300);
    expect(new Set(points.map((point) => point.split(",")[0])).size, "one point a step").toBe(points.length);
    const heights = points.map((point) => Number(point.split(",")[1]));
    expect(heights).toEqual([...heights].sort((a, b) => a - b));
  });

  it("the last event is shown although training stops early; another run starts another curve", () => {
    const shown: string[] = [];
    const report = liveProgress({ newDisplay: () => ({ html: (markup) => void shown.push(markup) }) });
    report(at(1));
    report(at(2));
    expect(shown).toHaveLength(1);
    vi.advanceTimersByTime(300);
    expect(shown).toHaveLength(2);
    expect(shown[1]).toContain("2 of 1000");
    expect(shown[1]).toContain("polyline");
    vi.advanceTimersByTime(300);
    report(at(1, { label: "<next>" }));
    expect(shown[2]).toContain("&lt;next&gt;");
    expect(progressIn(shown[2])).toBe(progressText(at(1, { label: "<next>" })));
    expect(progressIn("<b>another display</b>")).toBeUndefined();
    expect(shown[2]).not.toContain("polyline");
  });
});

describe("htmlTable", () => {
  it("aligns numbers right, leaves nulls empty and escapes text", () => {
    expect(
      htmlTable([
        { name: "a<b", loss: 3.25 },
        { name: "c", loss: null },
        { name: "d", loss: 3 },
      ]),
    ).toBe(
      '<table style="font-variant-numeric:tabular-nums">\n<thead><tr><th style="text-align:left">name</th><th style="text-align:right">loss</th></tr></thead>\n<tbody>\n' +
        '<tr><td style="text-align:left">a&lt;b</td><td style="text-align:right">3.25</td></tr>\n' +
        '<tr><td style="text-align:left">c</td><td style="text-align:right"></td></tr>\n' +
        '<tr><td style="text-align:left">d</td><td style="text-align:right">3.00</td></tr>\n</tbody>\n</table>',
    );
  });

  it("keeps names of rows and numbers with their ± on one line, and lets sentences wrap", () => {
    const html = htmlTable([{ design: "T/M Add Sep Sep", effect: "0.0200 ± 0.0066", more: "one or two" }]);
    expect(html).toContain('<td style="text-align:left;white-space:nowrap">T/M Add Sep Sep</td>');
    expect(html).toContain('<td style="text-align:left">0.0200\u00a0±\u00a00.0066</td>');
    expect(html).toContain('<td style="text-align:left">one or two</td>');
    const sentence = "Normalising each branch before they are fused lowers the loss.";
    expect(htmlTable([{ claim: sentence }])).toContain(`<td style="text-align:left">${sentence}</td>`);
  });

  it("gives a mean and its half-width as one text, and leaves out what there is none of", () => {
    expect(plusMinus(0.02, 0.00661)).toBe("0.0200 ± 0.0066");
    expect([plusMinus(-1, null), plusMinus(0, undefined), plusMinus(null, null)]).toEqual(["-1.0000", "0.0000", ""]);
  });

  it("names the columns that there are", () => {
    expect(() => htmlTable([{ a: 1 }], { columns: ["b"] })).toThrow('The table has no column "b"; it has a.');
  });
});
