// The package in a browser: bundled from its entry, without anything of Node, it trains as it does in Node.
import { builtinModules } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { dist } from "../gpu/child.js";
import { launch, runsHere, serve } from "./chromium.js";
import { type Trial, trial } from "./trial.js";

const checkout = resolve(dist, "..");

/** A module script that trains and leaves the promise of its losses in `window.trial`. */
async function bundled() {
  return build({
    stdin: {
      contents: `import * as braid from "braid-lm"; import { trial } from "./test/browser/trial.ts"; window.trial = trial(braid);`,
      resolveDir: checkout,
    },
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
    outdir: join(checkout, "out"),
    metafile: true,
    logLevel: "silent",
  });
}

describe("the package in a browser", () => {
  it("bundles without modules of Node and packages that need it", async () => {
    const { metafile, errors, outputFiles } = await bundled();
    expect(errors).toEqual([]);
    const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
    const nodeModules = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
    expect(imports.filter(({ path, external }) => external || nodeModules.has(path))).toEqual([]);
    // Whole modules of ours come from the build, and only packages that run anywhere beside them.
    const packages = Object.keys(metafile.inputs).flatMap(
      (path) => /node_modules\/((@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
    );
    expect([...new Set(packages)].sort()).toEqual(["@huggingface/tokenizers", "acorn", "arquero", "zod"]);
    expect(outputFiles[0].text).not.toMatch(/\bfrom\s*"node:|import\("node:|require\("/);
  });

  it.runIf(runsHere)(
    "trains 20 steps in headless Chromium with the losses that Node gives",
    async () => {
      const { outputFiles } = await bundled();
      const server = await serve(outputFiles[0].text);
      const browser = await launch();
      let inBrowser: Trial;
      try {
        const page = await browser.newPage();
        const problems: string[] = [];
        page.on("pageerror", (error) => problems.push(error.message));
        await page.goto(server.url);
        inBrowser = await page.evaluate<Trial>("window.trial");
        expect(problems).toEqual([]);
      } finally {
        await browser.close();
        server.close();
      }
      expect(inBrowser.adapter).toMatchObject({ backend: "browser", software: true });
      const inNode = await trial(await import(pathToFileURL(join(dist, "index.js")).href));
      expect(inNode.adapter.backend).toBe("dawn");
      expect(inNode.losses).toHaveLength(21);
      expect(inNode.losses[19]).toBeLessThan(inNode.losses[0]);
      const differences = inNode.losses.map((loss, index) => Math.abs(loss - inBrowser.losses[index]));
      // Both run SwiftShader, Chromium's own and the one that Dawn loads: measured, every loss is the same to the last bit.
      expect(Math.max(...differences), "largest difference of a loss").toBeLessThan(1e-6);
    },
    300_000,
  );
});
