/** The recorded runs as the page of runs holds them: packed by the report, unpacked, filtered and sorted in the browser. */

/** One run: what a row of the table and its dialog show. */
export interface RunRow {
  finding: string;
  label: string;
  seed: number;
  precision: string;
  pattern: string;
  /** The key of the architecture's colour. */
  architecture: string;
  parameters: number;
  tokens: number;
  /** Tokens that it trained itself: less than those where it went on from a shorter run. */
  trained: number;
  rate: number;
  perToken: number;
  perByte: number;
  tokensPerSecond: number;
  seconds: number;
  adapter: string;
  date: string;
  commit: string;
  id: string;
  command: string;
}

export interface Column {
  key: keyof RunRow;
  heading: string;
  numeric?: boolean;
  /** How a cell shows the value; default: as it is. */
  show?: (value: never) => string;
}

/** The columns of the table, in order. */
export const columns: readonly Column[] = [
  { key: "finding", heading: "finding" },
  { key: "label", heading: "label" },
  { key: "seed", heading: "seed", numeric: true },
  { key: "precision", heading: "precision" },
  { key: "pattern", heading: "model pattern" },
  { key: "parameters", heading: "parameters", numeric: true, show: short },
  { key: "tokens", heading: "tokens", numeric: true, show: short },
  { key: "rate", heading: "peak rate", numeric: true },
  { key: "perToken", heading: "loss a token, nats", numeric: true, show: (nats: number) => nats.toFixed(4) },
  { key: "perByte", heading: "loss a byte, nats", numeric: true, show: (nats: number) => nats.toFixed(4) },
  { key: "tokensPerSecond", heading: "tokens/s", numeric: true, show: short },
  { key: "seconds", heading: "GPU seconds", numeric: true, show: (seconds: number) => seconds.toFixed(1) },
  { key: "adapter", heading: "adapter" },
  { key: "date", heading: "date, UTC", show: (date: string) => date.slice(0, 16).replace("T", " ") },
  { key: "commit", heading: "commit", show: (commit: string) => commit.replace(/^([0-9a-f]{7})[0-9a-f]*/, "$1") },
  { key: "id", heading: "id" },
];

/** A value of a column as its cell shows it. */
export function shown({ show }: Column, value: string | number): string {
  return show ? show(value as never) : String(value);
}

/** Three digits: "16.8M", "521k", "940". */
export function short(value: number): string {
  if (value < 999.5) return String(Number(value.toPrecision(3)));
  const [unit, size] = value >= 999.5e6 ? ["B", 1e9] : value >= 999_500 ? ["M", 1e6] : ["k", 1e3];
  return `${(value / size).toPrecision(3)}${unit}`;
}

/** Columns of values. Text that repeats is written once: `at` points into `words`. */
export interface PackedRows {
  count: number;
  columns: Record<string, (string | number)[] | { words: string[]; at: number[] }>;
}

/** Stands for the run's id in its command: commands of runs on one text differ in nothing else. */
const ownId = "{id}";

export function pack(rows: readonly RunRow[]): PackedRows {
  const packed: PackedRows = { count: rows.length, columns: {} };
  for (const key of Object.keys(rows[0] ?? {}) as (keyof RunRow)[]) {
    const values = rows.map((row) => (key === "command" ? row.command.replaceAll(row.id, ownId) : row[key]));
    const words = new Map<string, number>();
    for (const value of values) if (typeof value === "string" && !words.has(value)) words.set(value, words.size);
    const repeats = words.size > 0 && words.size <= rows.length / 2;
    packed.columns[key] = repeats
      ? { words: [...words.keys()], at: values.map((value) => words.get(value as string) as number) }
      : values;
  }
  return packed;
}

export function unpack({ count, columns: packed }: PackedRows): RunRow[] {
  return Array.from({ length: count }, (_, index) => {
    const values = Object.entries(packed).map(([key, column]) => [
      key,
      Array.isArray(column) ? column[index] : column.words[column.at[index]],
    ]);
    const row = Object.fromEntries(values) as RunRow;
    return { ...row, command: row.command.replaceAll(ownId, row.id) };
  });
}

/** What the reader asked for. */
export interface Query {
  /** Words that must all occur in a row, in any column. */
  text: string;
  /** Empty: all. */
  finding: string;
  label: string;
}

/** Whether a row fits, as a function that reads each row's text once. */
export function matcher(rows: readonly RunRow[]): (index: number, query: Query) => boolean {
  const texts = rows.map((row) =>
    columns
      .map((column) => `${row[column.key]} ${shown(column, row[column.key])}`)
      .join(" ")
      .toLowerCase(),
  );
  return (index, { text, finding, label }) =>
    (finding === "" || rows[index].finding === finding) &&
    (label === "" || rows[index].label === label) &&
    text
      .toLowerCase()
      .split(/\s+/)
      .every((word) => texts[index].includes(word));
}

const collator = new Intl.Collator("en", { numeric: true });

/** The order of two values of a column: numbers by size, texts as people count, 1:5 before 1:12. */
export function compare(a: string | number, b: string | number): number {
  return typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));
}
