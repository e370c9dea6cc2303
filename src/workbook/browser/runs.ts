// The script of the page of runs: fills the table from the data in the page, filters it, sorts it.
import { runDialog } from "./run-dialog.js";
import {
  type Column,
  columns,
  compare,
  matcher,
  type PackedRows,
  type RunRow,
  short,
  shown,
  unpack,
} from "./run-rows.js";
import { focusableScrollers } from "./scrollers.js";

const find = <T extends Element>(selector: string) => document.querySelector(selector) as T;
const data = JSON.parse(find("#runs-data").textContent ?? "") as PackedRows;
const runs = unpack(data);
const fits = matcher(runs);
const open = runDialog(find<HTMLDialogElement>("dialog.run"));
const [text, finding, label] = [
  find<HTMLInputElement>("#text"),
  find<HTMLSelectElement>("#finding"),
  find<HTMLSelectElement>("#label"),
];
const body = find<HTMLTableSectionElement>("#runs tbody");
const heads = [...document.querySelectorAll<HTMLElement>("#runs th[data-key]")];
let sorting: { key: keyof RunRow; down: boolean } | undefined;

// Rows are made once: filtering and sorting only put them in another order.
const rows = runs.map((run, index) => {
  const row = document.createElement("tr");
  row.append(...columns.map((column) => cell(column, run)), commandCell(index));
  return row;
});

function cell(column: Column, run: RunRow): HTMLElement {
  const element = document.createElement("td");
  element.textContent = shown(column, run[column.key]);
  element.className = `${column.numeric ? "number " : ""}${column.key}`;
  if (column.key === "pattern") element.dataset.architecture = run.architecture;
  return element;
}

function commandCell(index: number): HTMLElement {
  const element = document.createElement("td");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "command";
  button.setAttribute("aria-haspopup", "dialog");
  button.dataset.run = String(index);
  element.append(button);
  return element;
}

/** Labels of the chosen finding only: a dozen findings have a hundred of them. */
function fillLabels(wanted: string): void {
  const of = runs.filter((run) => finding.value === "" || run.finding === finding.value);
  const labels = [...new Set(of.map((run) => run.label))].sort(compare);
  label.replaceChildren(new Option("all", ""), ...labels.map((name) => new Option(name, name)));
  label.value = labels.includes(wanted) ? wanted : "";
}

function show(): void {
  const query = { text: text.value.trim(), finding: finding.value, label: label.value };
  const chosen = runs.map((_, index) => index).filter((index) => fits(index, query));
  if (sorting) {
    const { key, down } = sorting;
    chosen.sort((a, b) => compare(runs[a][key], runs[b][key]) * (down ? -1 : 1) || a - b);
  }
  body.replaceChildren(...chosen.map((index) => rows[index]));
  for (const head of heads) {
    if (head.dataset.key !== sorting?.key) head.removeAttribute("aria-sort");
    else head.setAttribute("aria-sort", sorting?.down ? "descending" : "ascending");
  }
  const sum = (value: (run: RunRow) => number) => chosen.reduce((total, index) => total + value(runs[index]), 0);
  const minutes = sum((run) => run.seconds) / 60;
  find("#count").textContent =
    (chosen.length === 0 ? "no run has all of this: " : "") +
    `${chosen.length} of ${runs.length} runs · ${short(sum((run) => run.trained))} tokens · ${minutes.toFixed(1)} GPU minutes`;
}

/** The filter stands in the address, so that a link can carry it. */
function remember(): void {
  const parameters = new URLSearchParams();
  for (const field of [finding, label, text]) if (field.value !== "") parameters.set(field.id, field.value);
  history.replaceState(null, "", `#${parameters}`);
}

function recall(): void {
  const parameters = new URLSearchParams(location.hash.slice(1));
  finding.value = parameters.get("finding") ?? "";
  if (finding.selectedIndex < 0) finding.value = "";
  fillLabels(parameters.get("label") ?? "");
  text.value = parameters.get("text") ?? "";
  show();
}

text.addEventListener("input", () => {
  show();
  remember();
});
finding.addEventListener("change", () => {
  fillLabels(label.value);
  show();
  remember();
});
label.addEventListener("change", () => {
  show();
  remember();
});
find("#clear").addEventListener("click", () => {
  text.value = finding.value = "";
  fillLabels("");
  sorting = undefined;
  show();
  remember();
});
find("#runs thead").addEventListener("click", (event) => {
  const key = (event.target as Element).closest<HTMLElement>("th[data-key]")?.dataset.key as keyof RunRow | undefined;
  if (!key) return;
  sorting = { key, down: sorting?.key === key && !sorting.down };
  show();
});
// By keyboard one would else come to headings that lie under the column that stays in sight.
find("#runs thead").addEventListener("focusin", (event) => {
  (event.target as Element).scrollIntoView({ block: "nearest", inline: "nearest" });
});
body.addEventListener("click", (event) => {
  const index = (event.target as Element).closest<HTMLElement>("[data-run]")?.dataset.run;
  if (index !== undefined) open(runs[Number(index)]);
});
/** Columns keep the widths that all rows together need: they do not jump while one types, and layout is quick. */
function fixWidths(): void {
  const table = find<HTMLTableElement>("#runs");
  body.replaceChildren(...rows);
  const sized = [table, ...table.tHead!.rows[0].cells];
  const widths = sized.map((element) => element.getBoundingClientRect().width);
  for (const [index, element] of sized.entries()) element.style.setProperty("--width", `${Math.ceil(widths[index])}px`);
  table.classList.add("sized");
}

fixWidths();
addEventListener("hashchange", recall);
recall();
focusableScrollers();
