import { createHash } from "node:crypto";
import { siteScripts, siteStyle } from "./browser.generated.js";
import { page } from "./report-page.js";

export interface SitePage {
  title: string;
  body: string;
  script: keyof typeof siteScripts;
  /** From the page to the site's folder: "" or "../". */
  root: string;
  /** Which link of the navigation this page is. */
  current?: "index" | "runs";
  wide?: boolean;
}

/**
 * A page of the site: the workbook's page with navigation, style and script in it. The policy lets nothing but this script
 * run and nothing be loaded from anywhere, whatever a notebook's outputs hold.
 */
export function sitePage({ title, body, script, root, current, wide }: SitePage): string {
  const code = siteScripts[script];
  const hash = createHash("sha256").update(code).digest("base64");
  const policy = `default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; script-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  const link = (href: string, name: string, here: boolean) =>
    `<a href="${root}${href}"${here ? ' aria-current="page"' : ""}>${name}</a>`;
  const links = [
    link("index.html", "Findings", current === "index"),
    link("index.html#notebooks", "Notebooks", false),
    link("runs.html", "Runs", current === "runs"),
  ];
  return page(title, body, {
    wide,
    head: `
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="icon" href="data:,">
<style>${siteStyle}</style>`,
    before: `<a class="skip" href="#main">Skip to the content</a>
<header class="site"><div><a class="brand" href="${root}index.html">braid</a><nav aria-label="Site">${links.join("")}</nav></div></header>
`,
    after: `<footer class="foot">Written by <code>braid report</code>. The pages need no network and no server.</footer>
<script>${code}</script>
`,
  });
}
