/** Pairs (query, key) of a causal sequence when a query sees at most `visible` keys. */
export function visiblePairs(context: number, visible: number): number {
  const seen = Math.min(context, visible);
  return seen * ((seen + 1) / 2 + (context - seen));
}
