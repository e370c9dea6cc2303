/**
 * A pattern with repetitions counted, as short as that gets: "TTTTTTTT" is "8T", "MMTMMTMM" is "2(MMT)MM". Letters are never
 * digits, so that each can be read back in one way.
 */
export function shortPattern(pattern: string): string {
  const known = new Map<string, string>();
  const short = (text: string): string => {
    if (text.length < 3) return text;
    const before = known.get(text);
    if (before !== undefined) return before;
    let best = text;
    const offer = (candidate: string) => {
      if (candidate.length < best.length) best = candidate;
    };
    for (let period = 1; period <= text.length / 2; period++) {
      const times = text.length / period;
      const unit = text.slice(0, period);
      if (text !== unit.repeat(Math.floor(times))) continue;
      offer(period === 1 ? `${times}${unit}` : `${times}(${short(unit)})`);
    }
    for (let split = 1; split < text.length; split++) offer(short(text.slice(0, split)) + short(text.slice(split)));
    known.set(text, best);
    return best;
  };
  return short(pattern);
}
