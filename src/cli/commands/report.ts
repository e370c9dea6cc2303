import type { Command } from "commander";

interface ReportFlags {
  out: string;
  notebooks: string[];
  store?: string;
}

export function register(program: Command): void {
  program
    .command("report")
    .description("Write the whole workbook as a static site: verdicts, notebooks with their stored outputs, runs")
    .option("--out <dir>", "the site's folder: new, empty, or an earlier site, which is replaced", "site")
    .option("--notebooks <paths...>", "notebooks to show, in this order (default: all of notebooks/)", [])
    .option("--store <dir>", "the store of recorded runs (default: the package's data/runs)")
    .addHelpText(
      "after",
      `
Nothing is trained or executed: "braid run --in-place" stores a notebook's outputs. Open index.html in a browser; the
pages need no network and no server, and scripts in a notebook's outputs do not run in them.`,
    )
    .action(report);
}

async function report({ out, notebooks, store }: ReportFlags): Promise<void> {
  const { writeWorkbookSite } = await import("../../workbook/site.js");
  const site = writeWorkbookSite({ out, notebooks, store });
  const { index, claims, notebooks: pages, runs } = site;
  process.stdout.write(`report: ${index} (claims: ${claims}, notebooks: ${pages}, runs: ${runs})\n`);
}
