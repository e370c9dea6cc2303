/**
 * Observable Plot wraps a chart that has a title, a caption or a colour legend in an HTML `<figure>`. A file needs one
 * SVG: here title, subtitle, legends, chart and caption are stacked into one.
 */
const svgNamespace = "http://www.w3.org/2000/svg";

interface TextStyle {
  size: number;
  weight?: string;
  opacity?: string;
}

const textStyles: Record<string, TextStyle> = {
  H2: { size: 17, weight: "bold" },
  H3: { size: 13, opacity: "0.8" },
  FIGCAPTION: { size: 12, opacity: "0.8" },
};

/**
 * About the width of a text in units of its font size, in a wide sans-serif (DejaVu Sans, Verdana): a browser sets figures in
 * the system's own, and in a narrower one lines only end sooner.
 */
function textWidth(text: string): number {
  let width = 0;
  for (const letter of text) {
    if (/[iljtfrI.,:;|!'()[\] ]/.test(letter)) width += 0.35;
    else if (/[mwMW@%]/.test(letter)) width += 0.94;
    else width += /[A-Z]/.test(letter) ? 0.7 : 0.62;
  }
  return width;
}

/** One SVG that shows what the `<figure>` shows, top to bottom. */
export function composeFigure(document: Document, figure: Element): SVGSVGElement | null {
  const charts = Array.from(figure.children).filter((child) => child.tagName.toLowerCase() === "svg");
  if (charts.length === 0) return null;
  const width = Math.max(...charts.map((chart) => Number(chart.getAttribute("width"))));
  const root = document.createElementNS(svgNamespace, "svg") as SVGSVGElement;
  let top = 4;
  for (const child of Array.from(figure.children)) {
    const style = textStyles[child.tagName];
    if (style) top = addText(document, root, child.textContent ?? "", style, top, width);
    else if (child.tagName.toLowerCase() === "svg") top = addChart(root, child, top);
    else if (/-swatches\b/.test(child.className)) top = addSwatches(document, root, child, top, width);
  }
  root.setAttribute("width", String(width));
  root.setAttribute("height", String(Math.ceil(top + 4)));
  const title = figure.querySelector("h2")?.textContent;
  if (title) root.setAttribute("aria-label", title);
  return root;
}

function addChart(root: Element, chart: Element, top: number): number {
  const nested = chart.cloneNode(true) as Element;
  keepFontSize(nested);
  nested.setAttribute("y", String(top));
  // A legend begins where titles do.
  if (/-ramp\b/.test(nested.getAttribute("class") ?? "")) nested.setAttribute("x", "8");
  root.append(nested);
  return top + Number(chart.getAttribute("height"));
}

/** Plot's `style: { fontSize }` lands in a style attribute; resvg and other readers are surer of a plain attribute. */
export function keepFontSize(svg: Element): void {
  const size = /font-size:\s*([\d.]+)px/.exec(svg.getAttribute("style") ?? "")?.[1];
  if (size) svg.setAttribute("font-size", size);
  svg.removeAttribute("style");
}

function addText(
  document: Document,
  root: Element,
  text: string,
  style: TextStyle,
  top: number,
  width: number,
): number {
  const margin = 8;
  const stretch = style.weight === "bold" ? 1.1 : 1;
  for (const line of wrap(text.trim(), (width - 2 * margin) / (style.size * stretch))) {
    top += Math.round(style.size * 1.35);
    const element = label(document, line, margin, top - Math.round(style.size * 0.35), style.size);
    if (style.weight) element.setAttribute("font-weight", style.weight);
    if (style.opacity) element.setAttribute("opacity", style.opacity);
    root.append(element);
  }
  return top + 4;
}

function addSwatches(document: Document, root: Element, swatches: Element, top: number, width: number): number {
  const size = 12;
  const height = 22;
  let x = 8;
  for (const swatch of Array.from(swatches.querySelectorAll("span[class$='-swatch']"))) {
    const text = (swatch.textContent ?? "").trim();
    const advance = Math.round(20 + textWidth(text) * size + 16);
    if (x > 8 && x + advance > width) {
      x = 8;
      top += height;
    }
    const icon = swatch.querySelector("svg")?.cloneNode(true) as Element | undefined;
    if (icon) {
      icon.setAttribute("x", String(x));
      icon.setAttribute("y", String(top + 4));
      root.append(icon);
    }
    root.append(label(document, text, x + 20, top + 16, size));
    x += advance;
  }
  return top + height + 4;
}

function label(document: Document, text: string, x: number, y: number, size: number): Element {
  const element = document.createElementNS(svgNamespace, "text");
  element.setAttribute("x", String(Math.round(x)));
  element.setAttribute("y", String(y));
  element.setAttribute("font-size", String(size));
  element.textContent = text;
  return element;
}

/** Breaks a text into lines of at most `width` times the font size. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line && textWidth(`${line} ${word}`) > width) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return line ? [...lines, line] : lines;
}
