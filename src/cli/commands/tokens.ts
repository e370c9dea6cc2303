import type { Command } from "commander";
import { openDataset, saveTokens } from "../../data/node.js";
import { whole } from "../numbers.js";

interface TokensFlags {
  data: string;
  validation?: string;
  tokenizer: string;
  out: string;
  limitTokens?: number;
  name?: string;
}

export function register(program: Command): void {
  program
    .command("tokens")
    .description("Tokenise a text once, into a file of ids that --data reads where the text is not")
    .requiredOption("--data <file>", "a text: .txt, .txt.gz or .txt.xz, documents separated by NUL")
    .option("--validation <file>", "its validation text (default: a part of the text is held out)")
    .option("--tokenizer <file>", 'a tokenizer.json, or "bytes"', "bytes")
    .requiredOption("--out <file>", "what to write: .tokens or .tokens.gz")
    .option("--limit-tokens <n>", "keep only the first tokens of the training text, such as 16e6", whole)
    .option("--name <name>", "name of the data set (default: the file's)")
    .action(run);
}

async function run({ limitTokens, out, ...flags }: TokensFlags): Promise<void> {
  if (!/\.tokens(\.gz)?$/i.test(out)) throw new Error(`--out ${out} must end in .tokens or .tokens.gz`);
  if (flags.data === "synthetic")
    throw new Error("--data synthetic needs no tokens file: it is generated where it is used");
  const started = performance.now();
  const dataset = await openDataset({ ...flags, limitTokens, onProgress: progressLine() });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  saveTokens(dataset, out);
  const { name, sha256, train, validation } = dataset;
  const rows = { training: train, validation };
  process.stdout.write(`${out}: ${name}, text SHA-256 ${sha256}\n`);
  for (const [part, { ids, bytes }] of Object.entries(rows)) {
    const counts = `${ids.length.toLocaleString("en")} tokens, ${bytes.toLocaleString("en")} bytes`;
    process.stdout.write(`${part}: ${counts}, ${(bytes / ids.length).toFixed(3)} bytes a token\n`);
  }
  process.stdout.write(`took ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

/** One line on the terminal, rewritten in place a few times a second. */
function progressLine(): ((fraction: number) => void) | undefined {
  if (!process.stderr.isTTY) return undefined;
  let last = 0;
  return (fraction) => {
    if (performance.now() - last < 200) return;
    last = performance.now();
    process.stderr.write(`\rtokenising ${Math.floor(100 * fraction)} %`);
  };
}
