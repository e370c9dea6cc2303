/** The parameter counts of Tables 18 and 19, printed and as built. */

import { countParameters } from "../config/index.js";
import { type Row, rounded } from "./finding.js";
import { type FusionColumns, type FusionKind, fusionDesigns, kindOf, readings } from "./fusion-designs.js";

/** The tables by the size that they are of, and their files in `data/paper`. */
export const fusionTables = { "1b": "table18_fusion_1b", "350m": "table19_fusion_350m" } as const;

/** What is to be said of the rows that do not come out. */
const excuses: Readonly<Record<keyof typeof fusionTables, Partial<Record<FusionKind, string>>>> = {
  "1b": {},
  "350m": {
    apart:
      "no reading agrees: Table 20 prints 0.36 for the same dimensions too; 8 key-value heads of 16 would give it, but Table 15 prints 4",
  },
};

/**
 * One row for each design: columns, layers, non-embedding weights of the built model beside those printed (billion), whether
 * these agree as far as printed, and what was assumed about dimensions that the paper does not print.
 * @param paper the rows of the size's table, from `paperTable`
 * @throws Error naming the row in which the paper's columns or block count differ from the design's
 */
export function fusionParameterRows(size: keyof typeof fusionTables, paper: readonly Row[]): Row[] {
  return fusionDesigns(size).map(({ row, label, config, ...columns }) => {
    const printed = paper[row - 1];
    requireSame(size, row, columns, config.pattern.length, printed);
    const params = countParameters(config).nonEmbedding / 1e9;
    const kind = kindOf(columns);
    const agrees = Number(params.toFixed(2)) === printed.n_params_b;
    return {
      row,
      label,
      layers: config.pattern.length,
      params_b: rounded(params, 4),
      printed_b: printed.n_params_b,
      agrees: agrees ? "yes" : (excuses[size][kind] ?? "no reading agrees"),
      reading: readings[kind],
    };
  });
}

function requireSame(
  size: string,
  row: number,
  columns: FusionColumns,
  layers: number,
  printed: Row | undefined,
): void {
  const { model: _, ...cells } = columns;
  for (const [name, value] of Object.entries({ ...cells, n_layers: layers })) {
    const found = printed?.[name] ?? "";
    if (found === value) continue;
    throw new Error(
      `Row ${row} of the fusion designs at ${size}: ${name} is "${value}", but the paper has "${found}".`,
    );
  }
}
