/**
 * JSON for people and for `git diff`: values that fit on a line of 120 characters stay on it, larger ones are
 * broken one entry a line. A loss curve then takes one line a point.
 */
export function readableJson(value: unknown, indent = ""): string {
  const flat = JSON.stringify(value, null, 1).replace(/\n\s*/g, " ");
  if (typeof value !== "object" || value === null || indent.length + flat.length <= 110) return flat;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return `[\n${value.map((item) => inner + readableJson(item, inner)).join(",\n")}\n${indent}]`;
  }
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([key, field]) => `${inner}${JSON.stringify(key)}: ${readableJson(field, inner)}`);
  return `{\n${fields.join(",\n")}\n${indent}}`;
}
