// Bundles the command for a machine that has nothing but Node and the package webgpu: `npm run bundle -- <folder>`
// (default out/bundle). The folder gets the layout of the package, so that files are found as in it:
//
//   package.json       names webgpu as the only dependency: `npm install` there, or copy node_modules/webgpu (+ debug, ms)
//   dist/cli/main.js   the command, with the chunks that its parts load
//   data/              the paper's tables and the tokenizers
//
// What only notebooks, figures and the software adapter need stays outside: those commands say which package is missing.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL("./", import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "out", "bundle"));
const own = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const outside = ["@sparticuz/chromium", "jsdom", "@resvg/resvg-js", "zeromq", "tslab", "webgpu"];

const main = join(out, "dist", "cli");
rmSync(main, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: [join(here, "src", "cli", "main.ts")],
  outdir: main,
  bundle: true,
  // Chunks keep a package outside from being loaded before a command needs it.
  splitting: true,
  platform: "node",
  target: "node20.11",
  format: "esm",
  external: outside,
  define: { "process.env.BRAID_COMMIT": JSON.stringify(commit()) },
  // CommonJS dependencies ask for Node's modules by require.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
  metafile: true,
  logLevel: "warning",
});
chmodSync(join(main, "main.js"), 0o755);

const { version, description, license, engines, dependencies, optionalDependencies = {} } = own;
mkdirSync(out, { recursive: true });
writeFileSync(
  join(out, "package.json"),
  `${JSON.stringify(
    {
      name: own.name,
      version,
      description,
      license,
      type: "module",
      private: true,
      engines,
      bin: own.bin,
      dependencies: { webgpu: dependencies.webgpu ?? optionalDependencies.webgpu },
    },
    null,
    2,
  )}\n`,
);
for (const name of ["paper", "tokenizers", "golden"]) {
  const from = join(here, "data", name);
  if (existsSync(from)) cpSync(from, join(out, "data", name), { recursive: true });
}
const bytes = Object.values(metafile.outputs).reduce((sum, output) => sum + output.bytes, 0);
console.log(`${out}: ${Object.keys(metafile.outputs).length} files, ${(bytes / 2 ** 20).toFixed(1)} MiB`);

/** As in src/runs/provenance.ts, whose `git` does not reach a bundle. */
function commit() {
  if (process.env.BRAID_COMMIT) return process.env.BRAID_COMMIT;
  const git = (...args) =>
    execFileSync("git", args, { cwd: here, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    return (
      git("rev-parse", "HEAD") +
      (git("status", "--porcelain", "--untracked-files=no", "--", "src", "kernels") ? "+dirty" : "")
    );
  } catch {
    return "unknown";
  }
}
