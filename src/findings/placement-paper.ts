/**
 * What the paper measured of placement: Tables 11 (sliding windows), 17 (inter-hybrids) and 21 (intra-hybrids), losses on DCLM in nats a
 * token; and Table 16, which prints one of Table 17's models again.
 */

import type { PaperTables, Row } from "./finding.js";
import type { PaperSize } from "./paper-names.js";
import type { intraPlaces, places, ratios } from "./placement-studies.js";

export const paperPlacementTables = [
  "table17_placement",
  "table21_intra_placement",
  "table11_swa_placement",
  "table16_block_ratio_full",
] as const;

export type Ratio = (typeof ratios)[number];
export type InterPlace = (typeof places)[number];
export type IntraPlace = (typeof intraPlaces)[number];

/** A model with one attention layer. */
export interface PaperSingle {
  /** 1-based. */
  depth: number;
  layers: number;
  nll: number;
}

/** The 1:12 models of a size, by depth. Throws when the table has none. */
export function paperSingles(paper: PaperTables, size: PaperSize): PaperSingle[] {
  const rows = paper.table17_placement.filter((row) => row.size === size && row.pattern === "Single");
  if (rows.length === 0) throw new Error(`data/paper/table17_placement.csv: no rows of the pattern Single at ${size}`);
  return rows.map((row) => ({
    depth: Number(row.attn_indices),
    layers: Number(row.n_attn) + Number(row.n_ssm),
    nll: lossOf(row),
  }));
}

/** The layer that the paper tries in the middle: 7 of 13 at 1B, 6 of 11 at 350M. */
export function middleOf(singles: readonly PaperSingle[]): PaperSingle {
  const found = singles.find(({ depth, layers }) => depth === (layers + 1) / 2);
  if (!found) throw new Error("data/paper/table17_placement.csv: no 1:12 model has its attention in the middle");
  return found;
}

/**
 * The 1:12 models of a size with the middle one's loss as Table 16 prints it; undefined where it is the same. At 350M it is not: Table 17's
 * row there repeats an intra-hybrid's of Table 10, as its note says.
 */
export function otherwisePrinted(paper: PaperTables, size: PaperSize): PaperSingle[] | undefined {
  const singles = paperSingles(paper, size);
  const middle = middleOf(singles);
  const row = paper.table16_block_ratio_full.find((known) => known.size === size && known.ratio === "1:12");
  if (!row) throw new Error(`data/paper/table16_block_ratio_full.csv: no row for ${size} 1:12`);
  const nll = lossOf(row);
  return nll === middle.nll ? undefined : singles.map((single) => (single === middle ? { ...middle, nll } : single));
}

/** Loss of an inter-hybrid; at 1:1 the paper prints no middle, and "middle" stands for its "End", every second layer. */
export function paperPlaced(paper: PaperTables, size: PaperSize, ratio: Ratio, place: InterPlace): number {
  return find(paper.table17_placement, "table17_placement", size, ratio, printed(ratio, place));
}

/** Loss of full attention among sliding windows, which the paper prints at 1B only; "middle" at 1:1 as above. */
export function paperWindowed(paper: PaperTables, ratio: Ratio, place: InterPlace): number {
  return find(paper.table11_swa_placement, "table11_swa_placement", "1B", ratio, printed(ratio, place));
}

const printed = (ratio: Ratio, place: InterPlace) => (ratio === "1:1" && place === "middle" ? "end" : place);

/** Loss of an intra-hybrid, which the paper prints at 1B only. */
export function paperIntra(paper: PaperTables, ratio: Ratio, place: IntraPlace): number {
  return find(paper.table21_intra_placement, "table21_intra_placement", "1B", ratio, place);
}

function find(rows: readonly Row[], table: string, size: string, ratio: string, place: string): number {
  const row = rows.find(
    (known) => known.size === size && known.ratio === ratio && String(known.pattern).toLowerCase() === place,
  );
  if (!row) throw new Error(`data/paper/${table}.csv: no row for ${size} ${ratio} ${place}`);
  return lossOf(row);
}

function lossOf(row: Row): number {
  if (typeof row.nll_dclm !== "number") throw new Error("data/paper: a row of placement has no nll_dclm");
  return row.nll_dclm;
}
