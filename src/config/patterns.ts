/**
 * Layer patterns from a ratio and a placement, or from explicit indices. Indices are 1-based, as in the paper.
 *
 * The rule of `placeLayers`, for n expensive layers among L (it gives most of the printed sets of Tables 11, 17 and 21;
 * `paper-sets.ts` has them all and keeps those that it does not give):
 *
 * - `middle` (the paper's "scatter" for intra-hybrids): equal strides around the centre, never on layer 1. The stride is
 *   (L + 1) / (n + 1) rounded down or up, at least 2: the one that leaves equally many layers before and after, or, when
 *   both or neither do, the nearer one (halves up). An odd layer left over goes in front. Where the set would run past the
 *   end, its last indices take the last layers.
 * - `front`: middle with its first index moved to 1. Where that is a single step, all indices move with it.
 * - `end`: middle with its last index moved to L.
 * - `cluster`: one run of layers with a quarter of the cheap layers behind it (halves to the even number).
 * - `sandwich`: a run of a third of n (rounded) at each end, the rest as a run in the centre.
 */

export const PLACES = ["front", "middle", "end", "scatter", "cluster", "sandwich"] as const;
export type Place = (typeof PLACES)[number];

export interface RatioOptions {
  /** Layers in all. */
  layers: number;
  place: Place;
  /** Letter of the layers that the ratio's first number counts, e.g. "T". */
  expensive: string;
  /** Letter of the other layers, e.g. "M". */
  cheap: string;
}

export type IndexOptions = Omit<RatioOptions, "place">;

/**
 * The pattern of a ratio "expensive:cheap", such as "1:5", over a number of layers.
 * The number of expensive layers is layers * e / (e + c), rounded (halves up).
 * Throws when the ratio is malformed or a letter is not a single character.
 */
export function ratioPattern(ratio: string, options: RatioOptions): string {
  const { layers, place } = options;
  const count = expensiveCount(ratio, layers);
  return patternFromIndices(placeLayers(count, layers, place), options);
}

/** The number of expensive layers that a ratio gives over `layers` layers. */
export function expensiveCount(ratio: string, layers: number): number {
  const match = /^(\d+):(\d+)$/.exec(ratio);
  const [expensive, cheap] = match ? [Number(match[1]), Number(match[2])] : [0, 0];
  if (expensive + cheap === 0) {
    throw new Error(`ratio: "${ratio}" is not of the form "1:5" (expensive : cheap, not both zero).`);
  }
  requirePositiveInteger("layers", layers);
  return Math.round((layers * expensive) / (expensive + cheap));
}

/** The pattern with the expensive letter at the given 1-based indices. Throws when an index is out of range or repeated. */
export function patternFromIndices(indices: readonly number[], options: IndexOptions): string {
  const { layers, expensive, cheap } = options;
  requirePositiveInteger("layers", layers);
  for (const [name, letter] of Object.entries({ expensive, cheap })) {
    if (letter.length !== 1) throw new Error(`${name}: "${letter}" must be a single pattern letter.`);
  }
  const letters = new Array<string>(layers).fill(cheap);
  const seen = new Set<number>();
  for (const index of indices) {
    if (!Number.isInteger(index) || index < 1 || index > layers) {
      throw new Error(`indices: ${index} is not a layer; layers are numbered from 1 to ${layers}.`);
    }
    if (seen.has(index)) throw new Error(`indices: layer ${index} is given twice.`);
    seen.add(index);
    letters[index - 1] = expensive;
  }
  return letters.join("");
}

/** The 1-based indices of a letter in a pattern. */
export function indicesOf(pattern: string, letter: string): number[] {
  return [...pattern].flatMap((found, i) => (found === letter ? [i + 1] : []));
}

/** The 1-based indices of `count` expensive layers among `layers`, by the rule above. */
export function placeLayers(count: number, layers: number, place: Place): number[] {
  requirePositiveInteger("layers", layers);
  if (!Number.isInteger(count) || count < 0 || count > layers) {
    throw new Error(`count: ${count} layers do not fit in ${layers}.`);
  }
  if (count === 0) return [];
  switch (place) {
    case "middle":
    case "scatter":
      return spread(count, layers);
    case "front":
      return front(spread(count, layers));
    case "end":
      return [...spread(count, layers).slice(0, -1), layers];
    case "cluster":
      return run(layers - count - roundHalfToEven((layers - count) / 4) + 1, count);
    case "sandwich":
      return sandwich(count, layers);
    default:
      throw new Error(`place: "${String(place)}" is not known; places are ${PLACES.join(", ")}.`);
  }
}

function spread(count: number, layers: number): number[] {
  if (count === layers) return run(1, count);
  const stride = spreadStride(count, layers);
  const leftOver = layers - (count - 1) * stride - 1;
  const start = Math.max(2, 1 + Math.ceil(leftOver / 2));
  return Array.from({ length: count }, (_, k) => Math.min(start + k * stride, layers - (count - 1 - k)));
}

function spreadStride(count: number, layers: number): number {
  const ideal = (layers + 1) / (count + 1);
  const candidates = [Math.floor(ideal), Math.ceil(ideal)].map((stride) => Math.max(2, stride));
  const centred = candidates.filter((stride) => (layers - (count - 1) * stride - 1) % 2 === 0);
  return new Set(centred).size === 1 ? centred[0] : Math.max(2, Math.round(ideal));
}

function front(middle: number[]): number[] {
  const [first, ...rest] = middle;
  return [1, ...(first === 2 ? rest.map((index) => index - 1) : rest)];
}

function sandwich(count: number, layers: number): number[] {
  const atEachEnd = Math.round(count / 3);
  const centre = count - 2 * atEachEnd;
  const centreStart = Math.floor((layers - centre) / 2) + 1;
  return [...run(1, atEachEnd), ...run(centreStart, centre), ...run(layers - atEachEnd + 1, atEachEnd)];
}

function run(start: number, length: number): number[] {
  return Array.from({ length }, (_, i) => start + i);
}

function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

function requirePositiveInteger(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name}: ${value} must be a whole number of at least 1.`);
}
