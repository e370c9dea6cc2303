/** Reading another program's config.json, key by key: each error is one sentence that names the file and the key. */

export type Json = Record<string, unknown>;

export class Fields {
  /** @param path how errors call the file; `within` how they call what is inside a key of it */
  constructor(
    readonly json: Json,
    readonly path: string,
    private readonly within = "",
  ) {}

  /** A number; `fallback` where the key is missing or null. */
  number(key: string, fallback?: number): number {
    const value = this.json[key] ?? fallback;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw this.wrong(key, "a number");
  }

  /** A whole number of at least `least`. */
  count(key: string, fallback?: number, least = 1): number {
    const value = this.json[key] ?? fallback;
    if (typeof value === "number" && Number.isInteger(value) && value >= least) return value;
    throw this.wrong(key, `a whole number of at least ${least}`);
  }

  flag(key: string, fallback: boolean): boolean {
    const value = this.json[key] ?? fallback;
    if (typeof value === "boolean") return value;
    throw this.wrong(key, "true or false");
  }

  text(key: string, fallback?: string): string {
    const value = this.json[key] ?? fallback;
    if (typeof value === "string") return value;
    throw this.wrong(key, "text");
  }

  /** A list of numbers, `length` of them where that is given. */
  numbers(key: string, fallback?: readonly number[], length?: number): number[] {
    const value = this.json[key] ?? fallback;
    const fits = Array.isArray(value) && value.every((item) => typeof item === "number");
    if (fits && (length === undefined || value.length === length)) return [...value];
    throw this.wrong(key, length === undefined ? "a list of numbers" : `a list of ${length} numbers`);
  }

  /** A list of texts; `undefined` where the key is missing or null. */
  texts(key: string): string[] | undefined {
    const value = this.json[key] ?? undefined;
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === "string")) return [...value];
    throw this.wrong(key, "a list of texts");
  }

  /** What is inside a key, or undefined where it is missing or null. */
  inside(key: string): Fields | undefined {
    const value = this.json[key] ?? undefined;
    if (value === undefined) return undefined;
    if (typeof value === "object" && !Array.isArray(value)) {
      return new Fields(value as Json, this.path, `${this.within}${key}.`);
    }
    throw this.wrong(key, "an object");
  }

  /** Refuses values that braid has nothing for; a missing key or null is the first of those allowed. */
  only<T extends string | number | boolean>(key: string, ...allowed: readonly T[]): T {
    const value = this.json[key] ?? allowed[0];
    if (allowed.includes(value as T)) return value as T;
    throw new Error(
      `${this.path}: ${this.within}${key} is ${JSON.stringify(value)}; braid has ${allowed.map((item) => JSON.stringify(item)).join(" or ")} only.`,
    );
  }

  wrong(key: string, wanted: string): Error {
    const name = `${this.path}: ${this.within}${key}`;
    if (this.json[key] === undefined) return new Error(`${name} is missing; it must be ${wanted}.`);
    return new Error(`${name} is ${JSON.stringify(this.json[key])}, not ${wanted}.`);
  }
}
