import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { isSynthetic } from "../data/synthetic.js";
import type { RunRecord } from "./types.js";

/**
 * The command that trains a stored run again, with a comment line that says which text it needs. Texts are not part of
 * the package, so their paths are left in capitals; `braid train` compares their SHA-256 with the run's. A run that read
 * only the first tokens of its text needs a tokens file, which a command before it makes.
 * @param file the run's file
 */
export function commandFor(run: RunRecord, file: string): string {
  const { data } = run.spec;
  const spec = `npx braid train --spec ${shown(file)}`;
  const out = `--out out/${run.id}`;
  const tokenizer = data.tokenizerSha256 === undefined ? "" : ` --tokenizer ${tokenizerFile(data.tokenizerSha256)}`;
  if (isSynthetic(data.name)) return `${spec} --data synthetic${tokenizer} ${out}`;
  const validation = data.validationSha256 === undefined ? "" : " --validation VALIDATION.txt";
  const note = data.validationSha256 === undefined ? "" : `, VALIDATION.txt ${data.validationSha256}`;
  const lines = [
    `# SHA-256 of the texts ("${data.name}"), which may be .txt.gz or .txt.xz, uncompressed: TRAIN.txt ${data.sha256}${note}`,
  ];
  const [, name, limit] = /^(.*)\[:(\d+)\]$/.exec(data.name) ?? [];
  if (limit === undefined) lines.push(`${spec} --data TRAIN.txt${validation}${tokenizer} ${out}`);
  else {
    const cut = `--limit-tokens ${limit} --name ${name} --out ${name}.tokens`;
    lines.push(`npx braid tokens --data TRAIN.txt${validation}${tokenizer} ${cut}`);
    lines.push(`${spec} --data ${name}.tokens${tokenizer} ${out}`);
  }
  return lines.join("\n");
}

/** The tokenizer of the package that has this checksum. */
function tokenizerFile(sha256: string): string {
  const folder = fileURLToPath(new URL("../../data/tokenizers", import.meta.url));
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")) : [];
  const found = files.find(
    (name) =>
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex") === sha256,
  );
  return found === undefined ? "TOKENIZER.json" : shown(join(folder, found));
}

function shown(file: string): string {
  const path = relative(process.cwd(), file);
  return path.startsWith("..") ? file : path;
}
