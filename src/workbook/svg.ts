/** From what Observable Plot draws to an SVG file that stands alone, reads well on light and dark, and never varies. */
import {
  type Architecture,
  architectureStyle,
  architectures,
  type Scheme,
  schemes,
  textColour,
} from "../findings/theme.js";
import { composeFigure, keepFontSize } from "./compose.js";

const svgNamespace = "http://www.w3.org/2000/svg";
const fontFamily = "system-ui, sans-serif";

/** Attributes that hold coordinates. Their last digits depend on the platform's Math and only make files longer. */
export const geometric: ReadonlySet<string> = new Set(
  "d x y x1 x2 y1 y2 cx cy r rx ry dx dy width height points transform offset stroke-width font-size".split(" "),
);

/** Turns markup that holds an `<svg>` (or Plot's `<figure>` around one) into the text of a standalone SVG file. */
export function standaloneSvg(document: Document, markup: string, name: string): string {
  const holder = document.createElement("div");
  holder.innerHTML = markup;
  const figure = holder.querySelector("figure");
  const root = figure ? composeFigure(document, figure) : holder.querySelector("svg");
  if (!root) throw new Error(`The figure "${name}" holds no <svg> element.`);
  for (const style of Array.from(root.querySelectorAll("style"))) style.remove();
  sizeRoot(root, name);
  root.setAttribute("class", "braid-figure");
  root.setAttribute("role", "img");
  keepFontSize(root);
  root.setAttribute("font-family", fontFamily);
  if (!root.hasAttribute("font-size")) root.setAttribute("font-size", "12");
  if (!root.hasAttribute("fill")) root.setAttribute("fill", "currentColor");
  if (!root.hasAttribute("aria-label")) root.setAttribute("aria-label", name);
  roundGeometry(root);
  stabiliseIds(root, name);
  const coloured = colourText(root);
  root.prepend(surfaceRect(document));
  root.prepend(styleElement(document, coloured));
  const serialise = document.defaultView!.XMLSerializer;
  return `${new serialise().serializeToString(root)}\n`;
}

/** The same SVG fixed to the light scheme, in the plain attributes that resvg understands (no media query, no var()). */
export function lightVariant(svg: string): string {
  return architectures
    .reduce((text, { key }) => text.replaceAll(`var(${textVariable(key)})`, textOf(key, "light")), svg)
    .replace(/<style>[^<]*<\/style>/g, "")
    .replaceAll("var(--plot-background)", schemes.light.surface)
    .replaceAll("currentColor", schemes.light.ink);
}

function styleElement(document: Document, coloured: readonly Architecture[]): Element {
  const style = document.createElementNS(svgNamespace, "style");
  const rule = (scheme: Scheme) => {
    const { ink, surface } = schemes[scheme];
    const texts = coloured.map((key) => `;${textVariable(key)}:${textOf(key, scheme)}`);
    return `.braid-figure{color:${ink};--plot-background:${surface}${texts.join("")}}`;
  };
  style.textContent = `${rule("light")}@media (prefers-color-scheme:dark){${rule("dark")}}.braid-figure text{white-space:pre}`;
  return style;
}

const textVariable = (key: Architecture) => `--text-${key}`;
const textOf = (key: Architecture, scheme: Scheme) => textColour(architectureStyle(key).colour, scheme);

/** Gives text in an architecture's colour the contrast that it needs in each scheme. @returns the architectures so named */
function colourText(root: Element): Architecture[] {
  const found = new Set<Architecture>();
  for (const element of Array.from(root.querySelectorAll('text, tspan, [aria-label="text"]'))) {
    const style = architectures.find(({ colour }) => colour === element.getAttribute("fill"));
    if (!style) continue;
    found.add(style.key);
    element.setAttribute("fill", `var(${textVariable(style.key)})`);
  }
  return architectures.map(({ key }) => key).filter((key) => found.has(key));
}

/** The figure paints its own paper: text stays readable even where the page ignores the reader's colour scheme. */
function surfaceRect(document: Document): Element {
  const rect = document.createElementNS(svgNamespace, "rect");
  rect.setAttribute("width", "100%");
  rect.setAttribute("height", "100%");
  rect.setAttribute("fill", "var(--plot-background)");
  rect.setAttribute("stroke", "none");
  return rect;
}

function sizeRoot(root: Element, name: string): void {
  const box = root
    .getAttribute("viewBox")
    ?.trim()
    .split(/[\s,]+/)
    .map(Number);
  const width = Number(root.getAttribute("width") ?? box?.[2]);
  const height = Number(root.getAttribute("height") ?? box?.[3]);
  if (!(width > 0 && height > 0)) {
    throw new Error(`The figure "${name}" needs a width and a height, or a viewBox, in pixels.`);
  }
  root.setAttribute("width", String(width));
  root.setAttribute("height", String(height));
  if (!box) root.setAttribute("viewBox", `0 0 ${width} ${height}`);
}

function roundGeometry(root: Element): void {
  for (const element of [root, ...Array.from(root.querySelectorAll("*"))]) {
    for (const attribute of Array.from(element.attributes)) {
      if (!geometric.has(attribute.name)) continue;
      const rounded = attribute.value.replace(/-?(?:\d*\.\d+(?:e[-+]?\d+)?|\d+e[-+]?\d+)/g, (digits) =>
        String(Math.round(Number(digits) * 100) / 100 || 0),
      );
      if (rounded !== attribute.value) element.setAttribute(attribute.name, rounded);
    }
  }
}

/** Plot numbers its ids through the whole process; here they count from 1 in each figure and carry the figure's name. */
function stabiliseIds(root: Element, name: string): void {
  const names = new Map<string, string>();
  for (const element of Array.from(root.querySelectorAll("[id]"))) {
    names.set(element.id, `${name}-${names.size + 1}`);
    element.id = names.get(element.id)!;
  }
  if (names.size === 0) return;
  for (const element of Array.from(root.querySelectorAll("*"))) {
    for (const attribute of Array.from(element.attributes)) {
      const value = attribute.value
        .replace(/url\(["']?#([^"')]+)["']?\)/g, (whole, id: string) =>
          names.has(id) ? `url(#${names.get(id)})` : whole,
        )
        .replace(/^#(.+)$/, (whole, id: string) =>
          attribute.name.endsWith("href") && names.has(id) ? `#${names.get(id)}` : whole,
        );
      if (value !== attribute.value) element.setAttribute(attribute.name, value);
    }
  }
}
