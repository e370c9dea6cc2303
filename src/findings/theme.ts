/**
 * One look for every figure of the workbook. The five architectures keep one colour, symbol and dash everywhere.
 *
 * The colours were searched for: at least 3:1 contrast on the light and on the dark surface, and at least 22 apart in
 * CIELAB under simulated protan, deutan and tritan vision. Symbol and dash repeat the distinction without colour. Text in
 * these colours has more contrast (`textColour`; src/workbook/svg.ts puts it in).
 */

export type Architecture = "transformer" | "swa" | "mamba" | "inter" | "intra";

export interface ArchitectureStyle {
  key: Architecture;
  /** The name that tables and legends print. */
  label: string;
  colour: string;
  /** An Observable Plot symbol name. */
  symbol: string;
  /** An SVG stroke-dasharray; "none" is a solid line. */
  dash: string;
}

export const architectures: readonly ArchitectureStyle[] = [
  { key: "transformer", label: "Transformer", colour: "#5b64e7", symbol: "circle", dash: "none" },
  { key: "swa", label: "Sliding window", colour: "#9c3ca4", symbol: "square", dash: "6,3" },
  { key: "mamba", label: "Mamba", colour: "#b66f00", symbol: "triangle", dash: "2,3" },
  { key: "inter", label: "Inter-hybrid", colour: "#00a190", symbol: "diamond", dash: "none" },
  { key: "intra", label: "Intra-hybrid", colour: "#c6005a", symbol: "star", dash: "8,3,2,3" },
];

/** Text and lines; follows the reader's colour scheme. */
export const ink = "currentColor";

/** The paper behind the marks; follows the reader's colour scheme. Use it for halos and for the fill of open symbols. */
export const surface = "var(--plot-background)";

/** What `ink` and `surface` become in each colour scheme. */
export const schemes = {
  light: { ink: "#1f2328", surface: "#ffffff" },
  dark: { ink: "#e6edf3", surface: "#0f1419" },
} as const;

export type Scheme = keyof typeof schemes;

/** Contrast that small text needs (WCAG 2.2, 1.4.3). */
const textContrast = 4.5;

/** A colour as text needs it: as much of the scheme's ink mixed in as makes it stand out from the paper. */
export function textColour(colour: string, scheme: Scheme): string {
  const { ink: dark, surface: paper } = schemes[scheme];
  for (let share = 0; ; share += 0.05) {
    const mixed = mix(colour, dark, Math.min(1, share));
    if (share >= 1 || contrastRatio(mixed, paper) >= textContrast) return mixed;
  }
}

/** Contrast of two colours, 1 to 21 (WCAG 2.2). */
export function contrastRatio(a: string, b: string): number {
  const [high, low] = [a, b].map(luminance).sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const [r, g, b] = channels(colour).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Red, green and blue of "#rrggbb", 0 to 255. */
const channels = (colour: string) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

function mix(a: string, b: string, share: number): string {
  const [from, to] = [channels(a), channels(b)];
  const mixed = from.map((value, i) => Math.round(value + share * (to[i] - value)));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** The style of one architecture. */
export function architectureStyle(key: Architecture): ArchitectureStyle {
  return architectures.find((style) => style.key === key)!;
}

/**
 * Which of the five architectures a layer pattern belongs to: any layer with both (`H`, `W`, `P`) makes it intra-hybrid,
 * attention (`T`, `S`, `D`) beside a Mamba (`M`, `N`, `J`), or `Z`, inter-hybrid, a Mamba alone Mamba, any `S` without
 * one sliding window, the rest Transformer.
 */
export function architectureOf(pattern: string): Architecture {
  if (/[HWP]/.test(pattern)) return "intra";
  if (/[MNJZ]/.test(pattern)) return /[TSDZ]/.test(pattern) ? "inter" : "mamba";
  return pattern.includes("S") ? "swa" : "transformer";
}

/** Observable Plot's `color` option for a channel that holds architecture labels; keeps the workbook's order. */
export function architectureColor(keys: readonly Architecture[] = architectures.map((style) => style.key)): {
  domain: string[];
  range: string[];
} {
  const styles = keys.map(architectureStyle);
  return { domain: styles.map((style) => style.label), range: styles.map((style) => style.colour) };
}

/** Observable Plot's `symbol` option for a channel that holds architecture labels. */
export function architectureSymbol(keys: readonly Architecture[] = architectures.map((style) => style.key)): {
  domain: string[];
  range: string[];
} {
  const styles = keys.map(architectureStyle);
  return { domain: styles.map((style) => style.label), range: styles.map((style) => style.symbol) };
}

/** Observable Plot's top-level options that all figures share: `Plot.plot({ ...plotDefaults, document, marks })`. */
export const plotDefaults = {
  width: 720,
  style: { fontSize: "12px" },
} as const;

/** Charts one above the other under one title; what is undefined is left out. */
export function stackedFigure(
  document: Document,
  { title, subtitle, caption }: { title: string; subtitle?: string; caption?: string },
  charts: readonly (Element | undefined)[],
): HTMLElement {
  const figure = document.createElement("figure");
  const text = (tag: string, words: string | undefined) => {
    if (words === undefined) return;
    const element = document.createElement(tag);
    element.textContent = words;
    figure.append(element);
  };
  text("h2", title);
  text("h3", subtitle);
  figure.append(...charts.filter((chart) => chart !== undefined));
  text("figcaption", caption);
  return figure;
}
