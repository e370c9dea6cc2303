import { schemes } from "../findings/theme.js";

const light = `--ink:${schemes.light.ink};--paper:${schemes.light.surface};--soft:#f5f6f8;--line:#d9dde3;--faint:#626b76;--link:#3b46c4;--bad:#b3261e;--bad-paper:#fdeceb;--good:#1a7f4b;--keyword:#7b3fb5;--string:#0b6e5f;--comment:#66707b;--number:#9a5700`;
const dark = `--ink:${schemes.dark.ink};--paper:${schemes.dark.surface};--soft:#1a2129;--line:#323b46;--faint:#9aa5b1;--link:#9aa2ff;--bad:#ff8a80;--bad-paper:#3b1614;--good:#5fd39a;--keyword:#cfa3f5;--string:#6fd3c0;--comment:#8f9aa6;--number:#f0b35e`;

/** The look of the report's pages, in both colour schemes. */
export const pageStyle = `
:root{color-scheme:light dark;${light}}
@media screen and (prefers-color-scheme:dark){:root{${dark}}}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:54rem;margin:0 auto;padding:1.5rem 1.25rem 4rem}
a{color:var(--link)}
nav{font-size:.875rem;margin-bottom:1rem}
h1,h2,h3{line-height:1.25;margin:1.6em 0 .5em}
h1{font-size:1.9rem;margin-top:.4em}h2{font-size:1.35rem}h3{font-size:1.1rem}
pre,code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.84rem}
pre{margin:0;padding:.7rem .9rem;line-height:1.5;overflow-x:auto}
.prose code{background:var(--soft);padding:.1em .3em;border-radius:3px}
.prose pre code{padding:0}
.prose pre{background:var(--soft);border-radius:6px}
blockquote{margin:1em 0;padding:0 1em;border-left:3px solid var(--line);color:var(--faint)}
section.code{margin:1.1rem 0;position:relative}
.facts{font-size:.75rem;color:var(--faint);text-align:right;min-height:1.1em;font-variant-numeric:tabular-nums}
.source{background:var(--soft);border:1px solid var(--line);border-radius:6px}
.output{border-left:3px solid var(--line);margin:.5rem 0 0 .4rem;padding:.3rem 0 .3rem .9rem;overflow-x:auto}
.output.stderr{border-color:var(--number)}
.output.error{border-color:var(--bad);background:var(--bad-paper);color:var(--bad)}
.output svg,.output img{max-width:100%;height:auto}
.failed .source{border-color:var(--bad);outline:2px solid var(--bad)}
.banner{background:var(--bad-paper);color:var(--bad);border:2px solid var(--bad);border-radius:6px;padding:.6rem 1rem;margin:0 0 1rem}
.banner ul{margin:0;padding-left:1.1rem;white-space:pre-wrap;overflow-wrap:anywhere}
.banner a{color:inherit;font-weight:600}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;margin:.6rem 0}
caption{text-align:left;color:var(--faint);padding-bottom:.3rem}
th,td{padding:.25rem .75rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{font-weight:600;border-bottom-width:2px}
tr.bad td{color:var(--bad)}tr.good td:nth-child(2){color:var(--good)}
math mi{font-style:italic}
.k{color:var(--keyword)}.s{color:var(--string)}.c{color:var(--comment);font-style:italic}.n{color:var(--number)}
@media print{:root{color-scheme:light}svg.braid-figure{color:${schemes.light.ink};--plot-background:${schemes.light.surface}}main{max-width:none}.facts{display:none}section{break-inside:avoid-page}}
`;
