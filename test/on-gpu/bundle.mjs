// Bundles the tests of operations, models and families for a GPU machine that has nothing but Node and the package webgpu:
// `npm run bundle:tests -- <folder>` (default out/tests), then there `node <folder>/tests/run.mjs [pattern]`.
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const tests = fileURLToPath(new URL("../", import.meta.url));
const out = resolve(process.argv[2] ?? join(tests, "..", "out", "tests"));
const folders = ["ops", "model", "train", "families", "generate", "inspect"];
// These start other programs, ask the machine about itself, or are of a command.
const skipped = /roundtrip|weight-files|record-maps/;

const files = folders.flatMap((folder) =>
  readdirSync(join(tests, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts") && !skipped.test(name))
    .map((name) => join(folder, name)),
);
const lines = files.map(
  (file) => `file(${JSON.stringify(file)});\nawait import(${JSON.stringify(join(tests, file))});`,
);
const entry = `import { file, report } from "vitest";
${lines.join("\n")}
await report(new RegExp(process.argv[2] ?? ""));
`;
mkdirSync(join(out, "tests"), { recursive: true });
await build({
  stdin: { contents: entry, resolveDir: tests },
  outfile: join(out, "tests", "run.mjs"),
  bundle: true,
  platform: "node",
  target: "node20.11",
  format: "esm",
  minifyWhitespace: true,
  alias: { vitest: join(tests, "on-gpu", "vitest.mjs") },
  // vitest keeps these for itself.
  nodePaths: [join(tests, "..", "node_modules", "vitest", "node_modules")],
  external: ["webgpu", "@sparticuz/chromium", "jsdom", "@resvg/resvg-js", "zeromq", "tslab"],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
  logLevel: "warning",
});
cpSync(join(tests, "fixtures"), join(out, "fixtures"), { recursive: true });
writeFileSync(join(out, "tests", "files.txt"), `${files.join("\n")}\n`);
console.log(`${files.length} test files in ${join(out, "tests", "run.mjs")}`);
