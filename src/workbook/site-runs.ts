/** The page of all recorded runs: filters, the head of the table, and the rows as data that its script shows. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gpuMinutes, tokensTrained } from "../findings/run-cost.js";
import { architectureOf, architectures } from "../findings/theme.js";
import { commandFor } from "../runs/command.js";
import { packageStore, runFile } from "../runs/store.js";
import type { RunRecord } from "../runs/types.js";
import { columns, pack, type RunRow } from "./browser/run-rows.js";
import { escapeHtml } from "./html.js";
import { sitePage } from "./site-page.js";

/** @param store where the records lie; commands name their files */
export function runsPage(runs: readonly RunRecord[], store: string): string {
  const rows = runs.map((run) => runRow(run, store));
  const findings = [...new Set(rows.map((row) => row.finding))].sort();
  const heads = columns.map(
    ({ key, heading, numeric }) =>
      `<th scope="col" data-key="${key}"${numeric ? ' class="number"' : ""}><button type="button">${heading}</button></th>`,
  );
  const option = (value: string, text = value) => `<option value="${escapeHtml(value)}">${escapeHtml(text)}</option>`;
  const body = `<h1>Recorded runs</h1>
<p>Each row is one training run, recorded with its specification, losses and origin. Losses are those of validation; the peak rate is
the learning rate's. <em>command</em> shows how to make a run anew in a checkout of braid.</p>
${legend(rows)}
<noscript><p class="banner">The table is filled by a script. Without one, <code>braid runs list</code> prints the runs.</p></noscript>
<div class="filter" role="search" aria-label="Filter the runs">
<label>search <input id="text" type="search" placeholder="${hint(rows)}" autocomplete="off" spellcheck="false"></label>
<label>finding <select id="finding">${option("", "all")}${findings.map((name) => option(name)).join("")}</select></label>
<label>label <select id="label">${option("", "all")}</select></label>
<button type="button" id="clear">Show all</button>
</div>
<p id="count" role="status"></p>
<div class="runs-box scroll" role="region" aria-label="Table of runs">
<table id="runs"><thead><tr>${heads.join("")}<th scope="col">anew</th></tr></thead><tbody></tbody></table>
</div>
<dialog class="run" aria-labelledby="run-title"><div>
<h2 id="run-title"></h2>
<pre tabindex="0" aria-label="Command"></pre>
<div class="buttons"><button type="button" data-do="copy">Copy the command</button><button type="button" data-do="close">Close</button><span role="status"></span></div>
<dl></dl>
</div></dialog>
<script type="application/json" id="runs-data">${scriptJson(pack(rows))}</script>`;
  return sitePage({ title: "Recorded runs · braid", body, script: "runs", root: "", current: "runs", wide: true });
}

/** Words to search for that some row has. */
function hint([first]: readonly RunRow[]): string {
  return first === undefined ? "" : escapeHtml(`such as ${first.label} ${first.precision} ${first.rate}`);
}

function runRow(run: RunRecord, store: string): RunRow {
  const { config, optimizer, seed, precision } = run.spec;
  const { result, provenance } = run;
  return {
    finding: run.finding,
    label: run.label,
    seed,
    precision,
    pattern: config.ffnPattern === undefined ? config.pattern : `${config.pattern} ${config.ffnPattern}`,
    architecture: architectureOf(config.pattern),
    parameters: result.params.nonEmbedding,
    tokens: result.tokens,
    trained: tokensTrained([run]),
    rate: optimizer.lr,
    // Whole, for cells round to four decimals, and what is rounded twice may end otherwise.
    perToken: result.validation.nllPerToken,
    perByte: result.validation.nllPerByte,
    tokensPerSecond: Math.round(result.tokensPerSecond),
    seconds: Number((60 * gpuMinutes([run])).toFixed(1)),
    adapter: provenance.adapter,
    date: provenance.date,
    commit: provenance.commit,
    id: run.id,
    command: command(run, store),
  };
}

const packageFolder = join(fileURLToPath(new URL("../../", import.meta.url)));

/** As in a checkout, whatever folder the report is made in: a page that travels must not name this machine's folders. */
function command(run: RunRecord, store: string): string {
  const file = store === packageStore ? runFile(join("data", "runs"), run) : runFile(store, run);
  return commandFor(run, file).replaceAll(packageFolder, "");
}

/** One colour an architecture, as in the figures. */
function legend(rows: readonly RunRow[]): string {
  const present = architectures.filter(({ key }) => rows.some((row) => row.architecture === key));
  const items = present.map(({ key, label }) => `<li data-architecture="${key}">${label}</li>`);
  const rules = present.map(({ key, colour }) => `[data-architecture="${key}"]{--architecture:${colour}}`);
  return `<style>${rules.join("")}</style><ul class="legend" aria-label="Architectures">${items.join("")}</ul>`;
}

/** JSON that cannot end the script element that it stands in. */
function scriptJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
