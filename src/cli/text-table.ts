/** Rows as aligned text for a terminal: numbers to the right, empty cells blank. */
export function textTable(rows: readonly Record<string, string | number | null>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const cell = (value: string | number | null | undefined) =>
    value === null || value === undefined ? "" : String(value);
  const columns = names.map((name) => {
    const width = Math.max(name.length, ...rows.map((row) => cell(row[name]).length));
    return { name, width, right: rows.some((row) => typeof row[name] === "number") };
  });
  const line = (value: (name: string) => string) =>
    columns
      .map(({ name, width, right }) => (right ? value(name).padStart(width) : value(name).padEnd(width)))
      .join("  ")
      .trimEnd();
  return [line((name) => name), line((name) => "-".repeat(columns.find((column) => column.name === name)!.width))]
    .concat(rows.map((row) => line((name) => cell(row[name]))))
    .join("\n");
}
