import { type Column, columns, type RunRow } from "./run-rows.js";

/** The dialog with all of a run: its values in full and the command that makes it anew. Returns the function that opens it. */
export function runDialog(dialog: HTMLDialogElement): (run: RunRow) => void {
  const heading = dialog.querySelector("h2") as HTMLElement;
  const command = dialog.querySelector("pre") as HTMLElement;
  const facts = dialog.querySelector("dl") as HTMLElement;
  const told = dialog.querySelector("[role=status]") as HTMLElement;

  dialog.addEventListener("click", (event) => {
    const button = (event.target as Element).closest("button");
    if (button?.dataset.do === "close" || event.target === dialog) dialog.close();
    if (button?.dataset.do === "copy") {
      void copy(command).then((done) => {
        told.textContent = done ? "Copied." : "The browser does not let pages copy: the text is selected.";
      });
    }
  });

  return (run) => {
    heading.textContent = `${run.finding} ${run.label}, seed ${run.seed}`;
    command.textContent = run.command;
    told.textContent = "";
    facts.replaceChildren(...columns.flatMap((column) => fact(column, run)));
    dialog.showModal();
  };
}

function fact({ key, heading }: Column, run: RunRow): HTMLElement[] {
  const term = document.createElement("dt");
  const value = document.createElement("dd");
  const of = run[key];
  term.textContent = heading;
  value.textContent = typeof of === "number" && of >= 10_000 ? of.toLocaleString("en-GB") : String(of);
  return [term, value];
}

/** Copies the text of an element, or selects it where the browser does not allow that. */
async function copy(element: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(element.textContent ?? "");
    return true;
  } catch {
    getSelection()?.selectAllChildren(element);
    return false;
  }
}
