/**
 * Figures for notebooks: a document for Observable Plot to draw in, and files that look the same everywhere.
 *
 * A saved SVG stands alone (no outside style or font is needed to read it), follows the reader's colour scheme, and is
 * the same text each time the same figure is drawn. The PNG is its light version, with a font that the package brings.
 */
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import type { ResvgRenderOptions } from "@resvg/resvg-js";
import { writeAtomically } from "../data/files.node.js";
import { findCheckout } from "./checkout.js";
import { lightVariant, standaloneSvg } from "./svg.js";

// jsdom and resvg take a second to load; a notebook that draws nothing should not wait for them.
const require = createRequire(import.meta.url);

let sharedDocument: Document | undefined;

/** The document that figures are drawn in under Node: `Plot.plot({ document: figureDocument(), … })`. */
export function figureDocument(): Document {
  if (!sharedDocument) {
    const { JSDOM } = require("jsdom") as typeof import("jsdom");
    sharedDocument = new JSDOM("").window.document;
  }
  return sharedDocument;
}

/** Where figures go unless a folder is named: `BRAID_FIGURES` (set by `braid run`), else `figures/` of the checkout, else of the working folder. */
export function figuresFolder(): string {
  return resolve(process.env.BRAID_FIGURES ?? join(findCheckout() ?? ".", "figures"));
}

/**
 * Saves a figure as `<name>.svg` and `<name>.png` and returns the SVG text, ready for `tslab.display.html`.
 *
 * @param figure an SVG element, the `<figure>` that Observable Plot makes for titles and legends, or markup of either
 * @throws Error when the name is not made of lower-case letters, digits, `-` and `_`, or the figure holds no SVG
 */
export function saveFigure(
  name: string,
  figure: string | { outerHTML: string },
  options: { /** Folder to write to; made if missing. */ dir?: string } = {},
): string {
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(name)) {
    throw new Error(
      `The figure name "${name}" must be lower-case letters, digits, "-" and "_", such as "block-ratio".`,
    );
  }
  const svg = standaloneSvg(figureDocument(), typeof figure === "string" ? figure : figure.outerHTML, name);
  const folder = options.dir ?? figuresFolder();
  writeAtomically(join(folder, `${name}.svg`), svg);
  writeAtomically(join(folder, `${name}.png`), renderPng(svg));
  return svg;
}

/** Draws a standalone SVG on white at twice its size, with the package's own font only. */
export function renderPng(svg: string): Uint8Array {
  const { Resvg } = require("@resvg/resvg-js") as typeof import("@resvg/resvg-js");
  const faces = ["400Regular/SourceSans3_400Regular", "700Bold/SourceSans3_700Bold"];
  const family = "Source Sans 3";
  const options: ResvgRenderOptions = {
    fitTo: { mode: "zoom", value: 2 },
    background: "#ffffff",
    font: {
      loadSystemFonts: false,
      fontFiles: faces.map((face) => require.resolve(`@expo-google-fonts/source-sans-3/${face}.ttf`)),
      defaultFontFamily: family,
      sansSerifFamily: family,
      serifFamily: family,
      monospaceFamily: family,
    },
  };
  return new Resvg(lightVariant(svg), options).render().asPng();
}
