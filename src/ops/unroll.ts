/**
 * Writes out every `for (var <index> = 0u; <index> < <bound>; <index>++) { … }` of a kernel `count` times, with the number in
 * place of the index. SwiftShader keeps an array that is indexed by a variable in memory and gathers it lane by lane:
 * written out, attention over heads of 8 elements took a twelfth of the time.
 */
export function unrolled(wgsl: string, index: string, bound: string, count: number): string {
  const head = `for (var ${index} = 0u; ${index} < ${bound}; ${index}++) {`;
  const start = wgsl.indexOf(head);
  if (start < 0) return wgsl;
  const first = start + head.length;
  let end = first;
  for (let depth = 1; depth > 0; end++) {
    if (end === wgsl.length) throw new Error(`The loop over ${index} has no end`);
    if (wgsl[end] === "{") depth++;
    if (wgsl[end] === "}") depth--;
  }
  const body = wgsl.slice(first, end - 1);
  // In braces, since a body's names are its own.
  const copies = Array.from(
    { length: count },
    (_, k) => `{${body.replace(new RegExp(`\\b${index}\\b`, "g"), `${k}u`)}}`,
  );
  return unrolled(wgsl.slice(0, start) + copies.join("") + wgsl.slice(end), index, bound, count);
}
