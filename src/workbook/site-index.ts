/** The first page of `braid report`: what became of each claim, the notebooks, and what the runs took. */
import { signed } from "../findings/finding.js";
import { spread } from "../findings/run-cost.js";
import type { Claim, FindingClaims } from "../findings/summary.node.js";
import type { RunRecord } from "../runs/types.js";
import { short } from "./browser/run-rows.js";
import { escapeHtml } from "./html.js";
import { notebookOf, type SiteNotebook } from "./site-notebooks.js";
import { sitePage } from "./site-page.js";
import { type Scale, scaleOf, scales } from "./site-scale.js";

const about = `<p>braid trains hybrid Transformer/Mamba-2 language models in TypeScript on WebGPU. This workbook checks the findings of
<cite>Hybrid Architectures for Language Models: Systematic Analysis and Design Insights</cite>
(<a href="https://arxiv.org/abs/2510.04800">arXiv:2510.04800</a>) anew, with small models: below are the paper's claims, what the
paper measured, and what was found here. A claim about trained models is <em>reproduced</em> where the 95 % interval of every
comparison lies on the paper's side, <em>contradicted</em> where that of at least one lies on the other, and <em>unresolved</em>
where neither is so.</p>`;

export function indexPage(
  findings: readonly FindingClaims[],
  notebooks: readonly SiteNotebook[],
  runs: readonly RunRecord[],
): string {
  const body = `<h1>The braid workbook</h1>
${about}
${tally(findings)}
<h2 id="verdicts">Verdicts</h2>
${verdictTable(findings, notebooks)}
<h2 id="notebooks">Notebooks</h2>
<ul class="notebooks">${notebooks.map(notebookItem).join("\n")}</ul>
<h2 id="cost">Scale and cost</h2>
${costTables(findings, runs)}`;
  return sitePage({ title: "The braid workbook", body, script: "index", root: "", current: "index" });
}

function badge(outcome: string, text = outcome): string {
  return `<span class="badge ${escapeHtml(outcome)}">${escapeHtml(text)}</span>`;
}

function tally(findings: readonly FindingClaims[]): string {
  const outcomes = findings.flatMap(({ verdicts }) => verdicts.map(({ outcome }) => outcome));
  const order = [...new Set(["reproduced", "unresolved", "contradicted", ...outcomes])];
  const items = order.flatMap((outcome) => {
    const count = outcomes.filter((other) => other === outcome).length;
    return count > 0 ? [`<li>${badge(outcome, `${count} ${outcome}`)}</li>`] : [];
  });
  return `<ul class="tally" aria-label="Outcomes"><li>${plural(outcomes.length, "claim")} of ${plural(findings.length, "finding")}:</li>${items.join("")}</ul>`;
}

/** Roles are spelt out: on a narrow window the style shows rows as cards, and browsers would forget that they are a table. */
function verdictTable(findings: readonly FindingClaims[], notebooks: readonly SiteNotebook[]): string {
  const head = ["claim", "the paper", "verdict", "here"].map((name) => `<th role="columnheader">${name}</th>`);
  const body = findings.map(({ finding, verdicts }) => {
    const notebook = notebookOf(finding, notebooks);
    const name = escapeHtml(finding);
    const title = notebook
      ? `<a href="${notebook.link}">${name}</a> <span class="note">${escapeHtml(notebook.title)}</span>`
      : name;
    const group = `<tr role="row"><th class="finding" role="rowheader" colspan="4" scope="rowgroup">${title}</th></tr>`;
    return `<tbody role="rowgroup">${group}\n${verdicts.map(verdictRow).join("\n")}</tbody>`;
  });
  return `<table class="verdicts" role="table" aria-label="What became of the paper's claims"><thead role="rowgroup"><tr role="row">${head.join("")}</tr></thead>\n${body.join("\n")}</table>`;
}

function verdictRow({ claim, paper, outcome, evidence, parts }: Claim): string {
  const cells = [
    `<td role="cell" class="claim">${escapeHtml(claim)}</td>`,
    `<td role="cell" class="paper" data-heading="the paper">${escapeHtml(paper)}</td>`,
    `<td role="cell">${badge(outcome)}</td>`,
    `<td role="cell" data-heading="here">${escapeHtml(evidence)}${comparisons(parts)}</td>`,
  ];
  return `<tr role="row">${cells.join("")}</tr>`;
}

/** Every comparison with its interval, for who wants to see what the outcome rests on. */
function comparisons(parts: Claim["parts"]): string {
  if (parts.length === 0) return "";
  const decimals = decimalsFor(parts.map(({ interval }) => interval.high - interval.low));
  const rows = parts.map(({ name, outcome, interval: { mean, low, high, n } }) => {
    const bounds = Number.isFinite(low) ? `[${signed(low, decimals)}, ${signed(high, decimals)}]` : "no interval";
    const numbers = [signed(mean, decimals), bounds, String(n)].map((text) => `<td class="number">${text}</td>`);
    return `<tr><th scope="row">${escapeHtml(name)}</th>${numbers.join("")}<td>${escapeHtml(outcome)}</td></tr>`;
  });
  const numbers = ["difference", "95 % interval", "n"].map((name) => `<th class="number">${name}</th>`);
  const head = `<tr><th>comparison</th>${numbers.join("")}<th>outcome</th></tr>`;
  return `<details><summary>${plural(parts.length, "comparison")}</summary><div class="scroll"><table class="parts"><thead>${head}</thead><tbody>${rows.join("")}</tbody></table></div></details>`;
}

/** One number of decimals for a table: two digits of half the narrowest interval, whatever the unit. */
function decimalsFor(widths: readonly number[]): number {
  const narrowest = Math.min(...widths.filter((width) => Number.isFinite(width) && width > 0)) / 2;
  return Number.isFinite(narrowest) ? Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(narrowest)))) : 3;
}

function notebookItem({ link, title, lack, figures, tables }: SiteNotebook): string {
  const content = [figures > 0 ? plural(figures, "figure") : "", tables > 0 ? plural(tables, "table") : ""];
  const note =
    lack === undefined
      ? `<span class="note">${content.filter(Boolean).join(", ")}</span>`
      : `<span class="note attention">${escapeHtml(lack)}</span>`;
  return `<li><a href="${link}">${escapeHtml(title)}</a> ${note}</li>`;
}

/** What the runs took: of each finding, and of each study that is trained for one. */
function costTables(findings: readonly FindingClaims[], runs: readonly RunRecord[]): string {
  if (runs.length === 0) return "<p>No runs are recorded.</p>";
  const trained = findings.filter((finding) => finding.runs.length > 0);
  const studies = scales(runs).map((scale) => {
    const link = `<a href="runs.html#finding=${encodeURIComponent(scale.finding)}">${escapeHtml(scale.finding)}</a>`;
    return scaleRow(scale, link);
  });
  const all = scaleRow(scaleOf("all", runs), '<a href="runs.html">all</a>');
  return `${scaleTable(
    "finding",
    trained.map((finding) => scaleRow(scaleOf(finding.finding, finding.runs), escapeHtml(finding.finding))),
  )}
<p class="note">Runs that two findings rest on count in both.</p>
${scaleTable("runs of the study", studies, all)}
<p class="note">GPU minutes: a run's time from start to end, or that of its training where it was stopped and gone on with, divided by the number of runs that shared its card. Tokens: those trained; what a run took over from a shorter one is not counted again. Parameters: without the embedding.</p>`;
}

function scaleTable(what: string, rows: readonly string[], foot = ""): string {
  const head = [what, "runs", "variants", "seeds", "parameters", "tokens", "GPU minutes", "precision", "adapter"];
  const numeric = (index: number) => (index > 0 && index < 7 ? ' class="number"' : "");
  return `<div class="scroll"><table aria-label="Runs, tokens and minutes: ${what}"><thead><tr>${head.map((name, index) => `<th${numeric(index)}>${name}</th>`).join("")}</tr></thead>
<tbody>${rows.join("\n")}</tbody>${foot && `<tfoot>${foot}</tfoot>`}</table></div>`;
}

function scaleRow(scale: Scale, name: string): string {
  const numbers = [
    String(scale.runs),
    String(scale.labels),
    String(scale.seeds),
    spread(scale.parameters, short),
    short(scale.tokens),
    scale.minutes.toFixed(1),
  ];
  const words = [scale.precisions.join(", "), scale.adapters.join(", ")];
  return `<tr><th scope="row">${name}</th>${numbers.map((text) => `<td class="number">${text}</td>`).join("")}${words.map((text) => `<td>${escapeHtml(text)}</td>`).join("")}</tr>`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
