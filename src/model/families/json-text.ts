import type { Json } from "./fields.js";

/**
 * Keys whose numbers transformers takes as float alone: it refuses 1 where it wants 1.0, and JSON.stringify knows no
 * difference. (`time_step_rank` is a count.)
 */
const float = /(_multipliers?|_scaling|_eps|_epsilon|_theta|_factor|_coef)$|^time_step_(limit|min|max|floor)$/;

/** JSON for config.json, as transformers writes it. */
export function jsonText(json: Json): string {
  // Numbers of those keys become texts that nothing else can be, and numbers again once they stand in the JSON.
  const marked = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(marked);
    return typeof value === "number" ? `\0${/[.e]/.test(String(value)) ? value : `${value}.0`}` : value;
  };
  const text = JSON.stringify(json, (key, value) => (float.test(key) ? marked(value) : value), 2);
  return `${text.replace(/"\\u0000([^"]+)"/g, "$1")}\n`;
}
