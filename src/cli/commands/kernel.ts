import type { Command } from "commander";
import { requireNotebookNode } from "../../workbook/node-version.js";

export function register(program: Command): void {
  program
    .command("kernel")
    .description("Make the TypeScript kernel of the notebooks known to Jupyter, for this user")
    .action(async () => {
      requireNotebookNode();
      const { installKernelspec } = await import("../../workbook/kernelspec.js");
      const { folder, ours } = installKernelspec();
      process.stdout.write(
        ours
          ? `Installed the TypeScript kernel in ${folder}; now: jupyter lab\n`
          : `Jupyter has a tslab kernel already, in ${folder}; it runs the notebooks too, so it was left as it is.\n`,
      );
    });
}
