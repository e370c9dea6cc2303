import type { Command } from "commander";

export function register(program: Command): void {
  program
    .command("findings")
    .description("What became of the paper's claims here, as a Markdown table")
    .option("--store <dir>", "the store of recorded runs (default: the package's data/runs)")
    .option("--json", "print JSON, with every comparison and its interval")
    .action(print);
}

async function print({ store, json }: { store?: string; json?: boolean }): Promise<void> {
  const { allVerdicts, findingsTable } = await import("../../findings/summary.node.js");
  process.stdout.write(`${json ? JSON.stringify(allVerdicts(store), null, 2) : findingsTable(store)}\n`);
}
