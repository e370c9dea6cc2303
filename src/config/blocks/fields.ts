/** Pieces of schemas, and checks of how fields relate, that several sections use. */

import { z } from "zod";

export const count = z.int().min(1);
export const positive = z.number().positive();
export const range = z.tuple([positive, positive]);

export function requireDivisible(name: string, value: number, divisorName: string, divisor: number): void {
  if (value % divisor !== 0) throw new Error(`${name}: ${value} is not divisible by ${divisorName}, ${divisor}.`);
}

export function requireAscending(name: string, [low, high]: readonly [number, number]): void {
  if (low > high) throw new Error(`${name}: [${low}, ${high}] is not in ascending order.`);
}

/** The kernels read four numbers at a time. */
export function requireQuads(field: string, size: number, most = Number.POSITIVE_INFINITY): void {
  if (size % 4 === 0 && size <= most) return;
  const limit = Number.isFinite(most) ? ` of at most ${most}` : "";
  throw new Error(`${field}: ${size} can be costed but not built; it must be a multiple of 4${limit}.`);
}
