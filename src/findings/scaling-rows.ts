/** The tables of fitted readings; the same for the paper's losses and for ours. */

import { type Row, rounded } from "./finding.js";
import { fourArchitectures } from "./models.js";
import { type Estimate, type FittedReading, hybrids, parents } from "./scaling-reading.js";
import { betweenOutcome, budgetsBetween, estimatesLieBetween, ratioOf } from "./scaling-verdicts.js";
import { architectureStyle } from "./theme.js";

/** One row a reading, architecture and budget: sizes in million weights, with 95 % bootstrap intervals. */
export function fitRows(fits: readonly FittedReading[]): Row[] {
  return fits.flatMap(({ reading, optima }) =>
    optima.map(({ model, budget, tried, size, tokensPerWeight, bracketed }) => ({
      reading: reading.name,
      model: architectureStyle(model).label,
      budget,
      sizesTried: tried,
      ...columns("optimum", size, (value) => rounded(value / 1e6, 4)),
      ...columns("tokensPerWeight", tokensPerWeight, (value) => rounded(value, 2)),
      bracketed: bracketed ? "yes" : Number.isFinite(size.value) ? "no, extrapolated" : "no optimum",
    })),
  );
}

/** One row a reading: ratios of optimal sizes (geometric means over the budgets), and what it says of the claim. */
export function readingRows(fits: readonly FittedReading[]): Row[] {
  return fits.map((fitted) => {
    const { reading, ratios, compared } = fitted;
    const row: Row = { reading: reading.name, about: reading.about, budgets: compared.length };
    const pairs = [["mamba", "transformer"], ...hybrids.flatMap((hybrid) => parents.map((parent) => [hybrid, parent]))];
    for (const [model, other] of pairs) {
      const interval = ratios.length > 0 ? ratioOf(ratios, model, other).interval : undefined;
      const value = interval ? { value: interval.mean, low: interval.low, high: interval.high } : nothing;
      Object.assign(
        row,
        columns(`${model}/${other}`, value, (log) => rounded(Math.exp(log), 4)),
      );
    }
    row.budgetsBetween = budgetsBetween(fitted).length;
    row.estimates = ratios.length === 0 ? null : estimatesLieBetween(fitted) ? "between" : "not between";
    row.outcome = ratios.length === 0 ? null : betweenOutcome(fitted);
    return row;
  });
}

/** One row a reading: b of N ~ C^b for each architecture, over the budgets whose optimum lies within the sizes tried. */
export function exponentRows(fits: readonly FittedReading[]): Row[] {
  return fits.map(({ reading, exponents }) => {
    const row: Row = { reading: reading.name };
    for (const key of fourArchitectures) {
      const found = exponents.find(({ model }) => model === key)?.estimate ?? nothing;
      Object.assign(
        row,
        columns(key, found, (value) => rounded(value, 3)),
      );
    }
    return row;
  });
}

const nothing: Estimate = { value: Number.NaN, low: Number.NaN, high: Number.NaN };

function columns(name: string, { value, low, high }: Estimate, round: (value: number) => number | null): Row {
  return { [name]: round(value), [`${name}Low`]: round(low), [`${name}High`]: round(high) };
}
