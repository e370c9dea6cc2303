/**
 * Comparing what was drawn or printed now with what is stored: exact, but for what differs from run to run without
 * meaning anything (times, rates, machine paths, addresses) and for the last digits of a figure's coordinates.
 */
import { geometric } from "./svg.js";

/** The first place at which two texts or figures differ. */
export interface Difference {
  /** E.g. "line 3" or "<path> 12, attribute d". */
  where: string;
  stored: string;
  fresh: string;
}

/** Coordinates may differ by this many pixels: another platform's Math rounds the last digit elsewhere. */
const pixels = 0.05;

const volatile: [RegExp, string][] = [
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?\b/g, "<time>"],
  [/\b\d\d:\d\d:\d\d(?:\.\d+)?\b/g, "<time>"],
  [/\d[\d.,]*\s?[kKMGT]?\s?(?:tok|tokens|steps?|FLOPS?|FLOP|B|bytes)\/s(?:ec|econd)?\b/g, "<rate>"],
  [/\b\d[\d.,]*\s?(?:ns|µs|us|ms|s|min|h|seconds?|minutes?|hours?)(?![\w/])/g, "<duration>"],
  [/\b0x[0-9a-f]{4,}\b/gi, "<address>"],
  [/(^|[\s"'`(=>])(?:file:\/\/)?\/(?:[\w.@~+-]+\/)+[\w.@~+-]*/gm, "$1<path>"],
  [/\b[A-Za-z]:\\(?:[^\s\\"'<>|]+\\)*[^\s\\"'<>|]*/g, "<path>"],
];

/** Replaces dates, durations, rates (tok/s …), addresses and absolute paths by placeholders. */
export function sanitise(text: string): string {
  return volatile.reduce((result, [pattern, placeholder]) => result.replace(pattern, placeholder), text);
}

/** Compares two texts line by line after `sanitise`. */
export function compareText(stored: string, fresh: string): Difference | undefined {
  if (stored === fresh) return undefined;
  const before = stored.trimEnd().split("\n");
  const after = fresh.trimEnd().split("\n");
  for (let line = 0; line < Math.max(before.length, after.length); line++) {
    if (sanitise(before[line] ?? "") === sanitise(after[line] ?? "") && line < before.length && line < after.length)
      continue;
    return { where: `line ${line + 1}`, stored: before[line] ?? "(nothing)", fresh: after[line] ?? "(nothing)" };
  }
  return undefined;
}

/** Compares SVG or HTML: elements, attributes and text must agree; coordinates within 0.05 pixels. */
export function compareMarkup(stored: string, fresh: string): Difference | undefined {
  if (stored === fresh) return undefined;
  const before = tokens(stored);
  const after = tokens(fresh);
  let elements = 0;
  let element = "";
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    const old = before[index] ?? "(nothing)";
    const now = after[index] ?? "(nothing)";
    const name = /^<([\w:-]+)/.exec(old)?.[1];
    if (name) element = `<${name}> ${++elements}`;
    if (old === now) continue;
    const difference = name ? compareTag(old, now) : compareText(old, now);
    if (difference) return { ...difference, where: `${element}, ${name ? difference.where : "text"}` };
  }
  return undefined;
}

/** Tags and the texts between them; white space between tags says nothing. */
function tokens(markup: string): string[] {
  return markup.split(/(<[^>]*>)/).filter((token) => token.trim() !== "");
}

function compareTag(stored: string, fresh: string): Difference | undefined {
  const name = (tag: string) => /^<([\w:-]+)/.exec(tag)?.[1];
  if (name(stored) !== name(fresh)) return { where: "element", stored, fresh };
  const before = attributes(stored);
  const after = attributes(fresh);
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const old = before.get(key) ?? "(none)";
    const now = after.get(key) ?? "(none)";
    const same = geometric.has(key) ? sameGeometry(old, now) : sanitise(old) === sanitise(now);
    if (!same) return { where: `attribute ${key}`, stored: old, fresh: now };
  }
  return undefined;
}

function attributes(tag: string): Map<string, string> {
  return new Map(Array.from(tag.matchAll(/([\w:-]+)="([^"]*)"/g), ([, key, value]) => [key, value]));
}

function sameGeometry(stored: string, fresh: string): boolean {
  const number = /-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/g;
  if (stored.replace(number, "0") !== fresh.replace(number, "0")) return false;
  const before = stored.match(number) ?? [];
  const after = fresh.match(number) ?? [];
  return before.every((value, index) => Math.abs(Number(value) - Number(after[index])) <= pixels);
}
