/**
 * Kernels are written over f32. Where a tensor is kept in f16 (mixed precision), nothing differs but the way to memory and back,
 * so that is rewritten in the kernel's text: the buffer becomes one of halves, what is read from it is made f32 at once, and what
 * is written is made f16 last. Sums and everything between stay f32.
 */

/** How a buffer is declared; `V` is src/ops/vector.ts's name for one of the other two. */
const declaration = (binding: number) =>
  new RegExp(
    `(@group\\(0\\) @binding\\(${binding}\\) var<storage, (?:read|read_write)> (\\w+): array<)(V|vec4f|vec2f|f32)>`,
  );

const halfTypes: Record<string, string> = { f32: "f16", vec2f: "vec2h", vec4f: "vec4h" };

/** Declared in halves, or in the words that they lie in, by the kernel itself. */
const already = (binding: number) =>
  new RegExp(`@binding\\(${binding}\\) var<storage, (?:read|read_write)> \\w+: array<(?:f16|vec4h|vec4u)>`);

/**
 * @param bindings of tensors in f16; those that the kernel declares so by itself are left to it
 * @throws Error when a binding is declared as an array of something else, or is used in another way than by its elements.
 */
export function inHalves(wgsl: string, bindings: readonly number[]): string {
  let text = wgsl.replace(/\/\*[\s\S]*?\*\//g, " ").replace(/\/\/[^\n]*/g, "");
  const four = /\balias V = vec4f;/.test(text);
  for (const binding of bindings) {
    if (already(binding).test(text)) continue;
    const found = declaration(binding).exec(text);
    if (!found)
      throw new Error(`Binding ${binding} is no array of f32, vec2f or vec4f, so it can't be kept in f16:\n${wgsl}`);
    const [all, head, name, element] = found;
    const full = element === "V" ? (four ? "vec4f" : "f32") : element;
    const access: Access = { name, half: halfTypes[full], full };
    const [before, after] = [text.slice(0, found.index), text.slice(found.index + all.length)];
    text = `${rewritten(before, access)}${head}${access.half}>${rewritten(after, access)}`;
  }
  return `enable f16;\n${text}`;
}

interface Access {
  name: string;
  half: string;
  full: string;
}

/** Where an element of a buffer is named, up to its bracket. */
const use = (name: string) => new RegExp(`(?<![.\\w])${name}\\s*\\[`, "g");

/** `text` with every element of a buffer converted where it is read or written. */
function rewritten(text: string, access: Access): string {
  const { name, half, full } = access;
  if (new RegExp(`&${name}\\b`).test(text))
    throw new Error(`A kernel takes the address of ${name}, which is kept in f16`);
  for (const body of text.split(/\bfn\b/)) {
    if (new RegExp(`\\b(?:let|var)\\s+${name}\\b`).test(body) && use(name).test(body))
      throw new Error(`A kernel has a variable ${name} beside the buffer that is kept in f16`);
  }
  const uses = use(name);
  let out = "";
  let from = 0;
  for (let hit = uses.exec(text); hit; hit = uses.exec(text)) {
    const first = hit.index + hit[0].length;
    const end = closing(text, first);
    const element = `${name}[${rewritten(text.slice(first, end - 1), access)}]`;
    out += text.slice(from, hit.index);
    const assignment = /^\s*([-+*/]?)=(?!=)/.exec(text.slice(end));
    if (assignment) {
      const [sign, operator] = assignment;
      const stop = text.indexOf(";", end);
      const value = rewritten(text.slice(end + sign.length, stop), access).trim();
      out += `${element} = ${half}(${operator ? `${full}(${element}) ${operator} (${value})` : value})`;
      from = stop;
    } else {
      out += `${full}(${element})`;
      from = end;
    }
    uses.lastIndex = from;
  }
  return out + text.slice(from);
}

/** The place after the bracket that closes the one before `first`. */
function closing(text: string, first: number): number {
  let end = first;
  for (let depth = 1; depth > 0; end++) {
    if (end === text.length) throw new Error("A bracket of a kernel has no end");
    if (text[end] === "[") depth++;
    if (text[end] === "]") depth--;
  }
  return end;
}
