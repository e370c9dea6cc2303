/** The tables of the costs finding, from the checks of `costs-checks.ts`. */

import { from, op } from "arquero";
import type { Figure, FigureCheck } from "./costs-checks.js";
import { type Row, rounded } from "./finding.js";

/** How tables show a figure: column name, what a unit of it is, decimals. */
const columns: Record<Figure, [name: string, scale: number, decimals: number]> = {
  params: ["params_b", 1, 3],
  "total params": ["total_params_b", 1, 3],
  "train FLOPs": ["train_flops_e20", 1e20, 2],
  cache: ["cache_mib", 1, 1],
  tokens: ["tokens_b", 1, 1],
  steps: ["steps_k", 1, 1],
};

/**
 * Printed and computed side by side, one row for each row of the paper's table; "differs" names what does not agree.
 * Units: billion weights, 1e20 FLOPs, MiB, billion tokens, thousand steps.
 */
export function costRows(checks: readonly FigureCheck[]): Row[] {
  const figures = (Object.keys(columns) as Figure[]).filter((figure) =>
    checks.some((check) => check.figure === figure),
  );
  const rows = [...new Set(checks.map(({ row }) => row))];
  return rows.map((index) => {
    const group = checks.filter(({ row }) => row === index);
    const { model, size, blocks, setting } = group[0];
    const row: Row = { model, size, blocks, setting };
    for (const figure of figures) {
      const [name, scale, decimals] = columns[figure];
      const check = group.find((one) => one.figure === figure);
      row[name] = check ? rounded(check.computed / scale, decimals) : null;
      row[`${name}_printed`] = check ? rounded(check.printed / scale, decimals) : null;
    }
    row.differs = group
      .filter(({ agrees }) => !agrees)
      .map(({ figure }) => figure)
      .join(", ");
    return row;
  });
}

/** How many printed figures of each kind come out, table by table. */
export function agreementRows(checks: readonly FigureCheck[]): Row[] {
  return from(checks.map(({ table, figure, agrees }) => ({ table, figure, agrees: agrees ? 1 : 0 })))
    .groupby("table", "figure")
    .rollup({ figures: op.count(), agree: op.sum("agrees") })
    .orderby("table", "figure")
    .objects() as Row[];
}

/** The figures that do not come out, one row for each figure, models and reason, with the rows that share them joined. */
export function exceptionRows(checks: readonly FigureCheck[]): Row[] {
  return from(checks.filter(({ agrees }) => !agrees).map((check) => ({ ...check, ...shown(check) })))
    .groupby("table", "figure", "reason")
    .rollup({
      models: (row: { model: string; blocks: string }) => op.array_agg_distinct(`${row.model} ${row.blocks}`),
      printed: op.array_agg_distinct("printedText"),
      computed: op.array_agg_distinct("computedText"),
    })
    .orderby("table")
    .objects()
    .map((row) => {
      const { table, figure, models, printed, computed, reason } = row as Record<string, unknown>;
      const joined = (list: unknown) => (list as string[]).join(", ");
      return {
        table: table as number,
        figure: figure as string,
        models: joined(models),
        printed: joined(printed),
        computed: joined(computed),
        reason: reason as string,
      };
    });
}

function shown({ figure, printed, computed }: FigureCheck): { printedText: string; computedText: string } {
  const [, scale, decimals] = columns[figure];
  const text = (value: number) =>
    figure === "train FLOPs" ? `${(value / scale).toFixed(decimals)}e20` : value.toFixed(decimals);
  return { printedText: text(printed), computedText: text(computed) };
}
