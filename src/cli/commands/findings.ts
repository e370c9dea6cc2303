import type { Command } from "commander";

export function register(program: Command): void {
  program
    .command("findings")
    .description("What the recorded runs say of the paper's claims, as a Markdown table")
    .option("--store <dir>", "the store (default: the package's data/runs)")
    .option("--json", "print JSON, with every comparison and its interval")
    .action(print);
}

async function print({ store, json }: { store?: string; json?: boolean }): Promise<void> {
  const { findingsTable } = await import("../../findings/summary.node.js");
  if (!json) {
    process.stdout.write(`${findingsTable(store)}\n`);
    return;
  }
  const { findings } = await import("../../findings/index.js");
  const { recordedRuns } = await import("../../findings/obtain.node.js");
  const { paperTable } = await import("../../findings/paper.node.js");
  const all = findings.map((finding) => {
    const paper = paperTable(finding.paperTable);
    const runs = recordedRuns(finding, { scale: "recorded", store });
    return {
      name: finding.name,
      title: finding.title,
      table: finding.table(runs, paper),
      verdicts: finding.verdicts(runs, paper),
    };
  });
  process.stdout.write(`${JSON.stringify(all, null, 2)}\n`);
}
