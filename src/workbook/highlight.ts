import { escapeHtml } from "./html.js";

const keywords =
  "as async await break case catch class const continue default delete do else export extends false finally for from function if implements import in instanceof interface let new null of return satisfies static super switch this throw true try type typeof undefined var void while yield";

/** Comments, strings, numbers, words; the first alternative that fits at a place wins. */
const token = new RegExp(
  [
    /(?<c>\/\/[^\n]*|\/\*[\s\S]*?\*\/)/,
    /(?<s>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`)/,
    /(?<n>\b\d[\w.]*)/,
    new RegExp(`(?<k>\\b(?:${keywords.replaceAll(" ", "|")})\\b)`),
  ]
    .map((part) => part.source)
    .join("|"),
  "g",
);

/** TypeScript as HTML with spans of class c (comment), s (string), n (number) and k (keyword). */
export function highlight(source: string): string {
  let html = "";
  let end = 0;
  for (const match of source.matchAll(token)) {
    const kind = Object.entries(match.groups!).find(([, text]) => text !== undefined)![0];
    html += `${escapeHtml(source.slice(end, match.index))}<span class="${kind}">${escapeHtml(match[0])}</span>`;
    end = match.index + match[0].length;
  }
  return html + escapeHtml(source.slice(end));
}
