import * as Plot from "@observablehq/plot";
import { scientific } from "./finding.js";
import { apart, logarithmic } from "./labels.js";
import { fourArchitectures } from "./models.js";
import { byBudget, type IsoPoint, type Reading } from "./scaling-optima.js";
import { fitParabolas, isBracketed, lossAt, optimalSize } from "./scaling-parabola.js";
import type { FittedReading } from "./scaling-reading.js";
import {
  architectureColor,
  architectureStyle,
  architectureSymbol,
  ink,
  plotDefaults,
  stackedFigure,
  surface,
} from "./theme.js";

interface ScalingFigureWords {
  title: string;
  subtitle: string;
  /** Weights in one unit of the size axes, and its name. */
  unit: [weights: number, name: string];
  /** Points that the fit leaves out, drawn as crosses. */
  leftOut?: readonly IsoPoint[];
}

const name = (key: (typeof fourArchitectures)[number]) => architectureStyle(key).label;

/** Iso-FLOP curves of the four architectures with their minima, above the optimal size against the budget. */
export function scalingFigure(fitted: FittedReading, words: ScalingFigureWords, document: Document): HTMLElement {
  // Toy runs may have no optimum within the sizes tried.
  const found = fitted.optima.some(({ bracketed }) => bracketed);
  const optima = found ? optimaShown(fitted, words) : undefined;
  const notes = [
    optima?.cut && "Intervals that end at the upper or lower edge go on beyond it.",
    optima?.without && "An optimum without a line has no interval.",
  ].filter(Boolean);
  const caption = notes.length > 0 ? notes.join(" ") : undefined;
  return stackedFigure(document, { ...words, caption }, [
    curves(fitted.reading, words, document),
    optima && optimaChart(optima, words, document),
  ]);
}

function curves({ points }: Reading, { unit, leftOut = [] }: ScalingFigureWords, document: Document) {
  const [weights, unitName] = unit;
  const present = fourArchitectures.filter((key) => points.some(({ model }) => model === key));
  const fitted = present.flatMap((key) => {
    const groups = byBudget(points.filter(({ model }) => model === key));
    const parabolas = fitParabolas(groups.map(([, own]) => own));
    return groups.map(([budget, own], i) => ({ key, model: name(key), budget, own, parabola: parabolas[i] }));
  });
  const lines = fitted.flatMap(({ key, model, budget, own, parabola }) => {
    const [from, to] = ends(own).map(Math.log);
    return Array.from({ length: 41 }, (_, i) => {
      const size = Math.exp(from + ((to - from) * i) / 40);
      return { z: `${key} ${budget}`, model, size: size / weights, loss: lossAt(parabola, size) };
    });
  });
  const minima = fitted
    .filter(({ parabola, own }) => isBracketed(parabola, own))
    .map(({ model, parabola }) => ({ model, size: optimalSize(parabola) / weights, loss: parabola.lowest }));
  const labels = fitted.map(({ model, budget, own, parabola }) => {
    const [, largest] = ends(own);
    return { model, size: largest / weights, loss: lossAt(parabola, largest), text: scientific(budget) };
  });
  const dots = (list: readonly IsoPoint[]) =>
    list.map(({ model, size, loss }) => ({ model: name(model), size: size / weights, loss }));
  const [smallest, largest] = ends(points);
  const place = { x: "size", y: "loss", fx: "model" } as const;
  return Plot.plot({
    ...plotDefaults,
    document,
    height: 350,
    marginLeft: 48,
    marginTop: 50,
    marginBottom: 42,
    marginRight: 6,
    fx: { domain: present.map(name), label: null, padding: 0.04 },
    x: {
      type: "log",
      domain: [smallest / weights / 1.25, (largest / weights) * (largest / smallest) ** 0.36],
      label: `${unitName} →`,
      ticks: decades(smallest / weights, largest / weights),
      tickFormat: String,
    },
    y: { label: "↑ validation loss (nats a token)", labelArrow: "none", grid: true, nice: true },
    color: architectureColor(present),
    marks: [
      Plot.line(lines, { ...place, z: "z", stroke: "model", strokeWidth: 1.5 }),
      Plot.dot(minima, { ...place, r: 4.5, symbol: "diamond", fill: "model" }),
      Plot.dot(dots(points), { ...place, r: 2.5, fill: surface, stroke: "model" }),
      Plot.dot(dots(leftOut), { ...place, r: 4, symbol: "times", stroke: ink }),
      Plot.text(labels, { ...place, text: "text", textAnchor: "start", dx: 6, fill: ink, fillOpacity: 0.8 }),
    ],
  });
}

/** The optima within the sizes tried, in the unit of the axes, with intervals as far as the axis reaches. */
function optimaShown({ optima }: FittedReading, { unit: [weights] }: ScalingFigureWords) {
  const budgets = [...new Set(optima.map(({ budget }) => budget))].sort((a, b) => a - b);
  const aside = (budgets[budgets.length - 1] / budgets[0]) ** (1 / 60);
  const shown = optima
    .filter(({ bracketed }) => bracketed)
    .map(({ model, budget, size }) => ({
      model: name(model),
      // Beside each other, or intervals of one budget would cover one another.
      budget: budget * aside ** (2 * fourArchitectures.indexOf(model) - 3),
      size: size.value / weights,
      low: size.low / weights,
      high: size.high / weights,
    }));
  const sizes = shown.map(({ size }) => size);
  const domain: [number, number] = [Math.min(...sizes) / 1.6, Math.max(...sizes) * 2.2];
  const intervals = shown
    .filter(({ low }) => Number.isFinite(low))
    .map((one) => ({ ...one, low: Math.max(one.low, domain[0]), high: Math.min(one.high, domain[1]) }));
  const cut = shown.some(({ low, high }) => low < domain[0] || high > domain[1]);
  const without = intervals.length < shown.length;
  return { budgets, shown, intervals, domain, cut, without };
}

function optimaChart(
  { budgets, shown, intervals, domain }: ReturnType<typeof optimaShown>,
  { unit: [, unitName] }: ScalingFigureWords,
  document: Document,
) {
  const last = fourArchitectures.flatMap((key) => {
    const own = shown.filter(({ model }) => model === name(key));
    return own.length > 0 ? [{ ...own[own.length - 1], value: own[own.length - 1].size }] : [];
  });
  const labels = apart(last, domain, 15 / 224, logarithmic);
  const place = { x: "budget", y: "size" } as const;
  return Plot.plot({
    ...plotDefaults,
    document,
    height: 300,
    marginLeft: 48,
    marginRight: 96,
    marginTop: 34,
    marginBottom: 42,
    x: {
      type: "log",
      label: "budget (training FLOPs) →",
      domain: [budgets[0] / 1.3, budgets[budgets.length - 1] * 1.3],
    },
    y: {
      type: "log",
      label: `↑ compute-optimal size (${unitName})`,
      domain,
      ticks: decades(domain[0], domain[1], [1, 2, 5]),
      tickFormat: String,
      grid: true,
    },
    color: architectureColor(fourArchitectures),
    symbol: architectureSymbol(fourArchitectures),
    marks: [
      // As text: of a logarithmic scale's ticks Plot would leave out the label of 8e19.
      Plot.axisX(budgets, { text: scientific }),
      Plot.line(shown, { ...place, stroke: "model", strokeOpacity: 0.4 }),
      Plot.ruleX(intervals, {
        x: "budget",
        y1: "low",
        y2: "high",
        stroke: "model",
        strokeWidth: 2,
        strokeOpacity: 0.7,
      }),
      Plot.text(labels, {
        x: budgets[budgets.length - 1] * 1.3,
        y: "shown",
        text: "model",
        fill: "model",
        textAnchor: "start",
        dx: 4,
      }),
      Plot.dot(shown, { ...place, fill: "model", symbol: "model", r: 5, stroke: surface }),
    ],
  });
}

const ends = (points: readonly { size: number }[]): [number, number] => {
  const sizes = points.map(({ size }) => size);
  return [Math.min(...sizes), Math.max(...sizes)];
};

/** Round numbers between two sizes: 1 and 3 of each power of ten, or the digits given. */
function decades(from: number, to: number, digits: readonly number[] = [1, 3]): number[] {
  const powers = Array.from({ length: 12 }, (_, i) => i - 6);
  const all = powers.flatMap((power) => digits.map((digit) => Number(`${digit}e${power}`)));
  return all.filter((value) => value >= from * 0.99 && value <= to * 1.01);
}
