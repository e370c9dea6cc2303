import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunRecord } from "./types.js";

/**
 * The command that trains a stored run again, with a comment line that says which text it needs. Texts are not part of
 * the package, so their paths are left in capitals; `braid train` compares their SHA-256 with the run's.
 * @param file the run's file
 */
export function commandFor(run: RunRecord, file: string): string {
  const { data } = run.spec;
  const out = `--out out/${run.id}`;
  const spec = `braid train --spec ${shown(file)}`;
  if (data.name === "synthetic") return `${spec} --data synthetic ${out}`;
  const validation = data.validationSha256 === undefined ? "" : " --validation VALIDATION.txt";
  const validationNote = data.validationSha256 === undefined ? "" : `, VALIDATION.txt ${data.validationSha256}`;
  const tokenizer = data.tokenizerSha256 === undefined ? "" : ` --tokenizer ${tokenizerFile(data.tokenizerSha256)}`;
  return `# SHA-256 of the uncompressed texts ("${data.name}"): TRAIN.txt ${data.sha256}${validationNote}
${spec} --data TRAIN.txt${validation}${tokenizer} ${out}`;
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
