/**
 * Parameters of a notebook, as papermill has them: defaults in the cell tagged `parameters`, one `let` a line; other
 * values are assigned in a cell tagged `injected-parameters` put after it. (Assigned, not declared again: a type error,
 * for instance a text where a number was declared, is then reported before anything runs.)
 */
import { type Cell, injectedTag, type Notebook, tagsOf } from "./notebook.js";

export interface Parameter {
  name: string;
  /** The default, where it is written as JSON (number, boolean, text, list …); undefined where it is an expression. */
  value: unknown;
}

export type ParameterValues = Record<string, unknown>;

const declaration =
  /^(?:export\s+)?(let|const|var)\s+([A-Za-z_$][\w$]*)\s*(?::[^=\n]+)?=\s*([^;\n]+(?:\n[^;\n]+)*?)\s*;?\s*(?:\/\/.*)?$/gm;

/** The parameters that a notebook declares, in order; none without a cell tagged `parameters`. */
export function declaredParameters(notebook: Notebook): Parameter[] {
  const source = parametersCell(notebook)?.source ?? "";
  return Array.from(source.matchAll(declaration), ([, keyword, name, value]) => {
    if (keyword === "const") {
      throw new Error(`The parameter "${name}" is declared with const; parameters are declared with let, one a line.`);
    }
    return { name, value: literal(value) };
  });
}

/**
 * A copy of the notebook with the cell that assigns `values`; a cell injected before is replaced.
 * @throws Error when a name is not declared, with the names that are
 */
export function injectParameters(notebook: Notebook, values: ParameterValues, path: string): Notebook {
  const cells = notebook.cells.filter((cell) => !isInjected(cell));
  if (Object.keys(values).length > 0) {
    const known = declaredParameters(notebook).map((parameter) => parameter.name);
    const names = known.filter((name) => name in values);
    for (const name of Object.keys(values))
      if (!known.includes(name)) throw new Error(unknownParameter(name, known, path));
    // tslab prints the value of a last expression; here that would be noise.
    const source = [...names.map((name) => `${name} = ${JSON.stringify(values[name])};`), "void 0;"].join("\n");
    const injected: Cell = {
      cell_type: "code",
      id: injectedTag,
      source,
      metadata: { tags: [injectedTag] },
      outputs: [],
      execution_count: null,
    };
    cells.splice(cells.indexOf(parametersCell(notebook)!) + 1, 0, injected);
  }
  return { ...notebook, cells };
}

export function isInjected(cell: Cell): boolean {
  return tagsOf(cell).includes(injectedTag);
}

export function unknownParameter(name: string, known: string[], path: string): string {
  const list = known.length > 0 ? `it has ${known.join(", ")}` : "it has no cell tagged `parameters`";
  return `${path} has no parameter "${name}"; ${list}.`;
}

/** Reads `name=value` from the command line: JSON where it is JSON, else text. Text parameters stay text ("16" is not 16). */
export function parseParameter(argument: string, declared: Parameter[]): [name: string, value: unknown] {
  const split = argument.indexOf("=");
  const name = argument.slice(0, split).trim();
  if (split < 1 || !/^[A-Za-z_$][\w$]*$/.test(name)) {
    throw new Error(`--param takes name=value, such as seeds=3 or scale=smoke, not "${argument}".`);
  }
  const text = argument.slice(split + 1);
  const isText = declared.some((parameter) => parameter.name === name && typeof parameter.value === "string");
  const value = literal(text);
  return [name, value === undefined || (isText && typeof value !== "string") ? text : value];
}

function parametersCell(notebook: Notebook): Cell | undefined {
  return notebook.cells.find((cell) => cell.cell_type === "code" && tagsOf(cell).includes("parameters"));
}

/** The value of a literal: JSON, or text in single quotes or backticks; undefined for any other expression. */
function literal(text: string): unknown {
  const plain = text.trim().replace(/\s+as\s+.*$/s, "");
  const quoted = /^(['`])([^'`$\\]*)\1$/.exec(plain);
  if (quoted) return quoted[2];
  try {
    return JSON.parse(plain.replace(/(\d)_(?=\d)/g, "$1")) as unknown;
  } catch {
    return undefined;
  }
}
