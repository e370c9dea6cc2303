import type { Finding, Scale } from "../findings/finding.js";
import { pendingStudies } from "../findings/pending.node.js";
import { htmlTable } from "./table.js";

/** The studies of a finding that wait for runs, as a table; undefined where none do, and at other scales than recorded. */
export function pendingTable(finding: Finding, scale: Scale): string | undefined {
  const waiting = scale === "recorded" ? pendingStudies(finding) : [];
  if (waiting.length === 0) return undefined;
  return htmlTable(waiting, {
    caption: "Planned: no figure and no verdict rests on these studies until all their runs are trained",
  });
}
