import { readFileSync } from "node:fs";
import { parseConfig } from "./schema.js";
import type { ModelConfig } from "./types.js";

/** The content of a JSON file. @throws Error in one sentence that names the file when it is not there, or not JSON */
export function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new Error(`${file} cannot be read: is the path right?`);
  }
  try {
    return JSON.parse(withoutBareNumbers(text));
  } catch (error) {
    // The engine's message quotes the file, line breaks and all.
    throw new Error(`${file} is not JSON: ${(error as Error).message.replace(/\s+/g, " ")}`);
  }
}

/** Python writes Infinity and NaN bare; transformers 5 as {"__float__": "Infinity"}, which is what they become here. */
function withoutBareNumbers(text: string): string {
  return text.replace(/"(?:\\.|[^"\\])*"|-?\bInfinity\b|\bNaN\b/g, (found) =>
    found.startsWith('"') ? found : `{"__float__": "${found}"}`,
  );
}

/** `parseConfig` of what a file holds: its errors name the file in front of the field. */
export function configFrom(value: unknown, file: string): ModelConfig {
  try {
    return parseConfig(value);
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : error}`);
  }
}
