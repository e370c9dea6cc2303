import { escapeHtml } from "./html.js";
import { pageStyle } from "./report-style.js";

/** A whole page that needs nothing beside it. `head` goes behind the style, `around` wraps what `<main>` holds. */
export function page(
  heading: string,
  body: string,
  parts: { head?: string; before?: string; after?: string; wide?: boolean } = {},
): string {
  const { head = "", before = "", after = "", wide = false } = parts;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(heading)}</title>
<style>${pageStyle}</style>${head}
</head>
<body>
${before}<main id="main"${wide ? ' class="wide"' : ""}>
${body}
</main>
${after}</body>
</html>
`;
}
