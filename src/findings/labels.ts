/** Labels at the ends of lines that must not touch. */

/** How an axis places its values. */
interface Axis {
  at: (value: number) => number;
  back: (place: number) => number;
}

export const linear: Axis = { at: (value) => value, back: (place) => place };
export const logarithmic: Axis = { at: Math.log, back: Math.exp };

/**
 * Heights for labels at the line ends, at least `gap` of the axis apart: labels that would touch form a
 * cluster, which is centred on the values of its members.
 */
export function apart<T extends { value: number }>(
  ends: readonly T[],
  [low, high]: readonly [number, number],
  gap: number,
  { at, back }: Axis,
): (T & { shown: number })[] {
  const step = gap * (at(high) - at(low));
  const clusters: { members: T[]; bottom: number }[] = [];
  for (const end of [...ends].sort((a, b) => a.value - b.value)) {
    let cluster = { members: [end], bottom: at(end.value) };
    for (let below = clusters.at(-1); below; below = clusters.at(-1)) {
      if (cluster.bottom >= below.bottom + below.members.length * step) break;
      clusters.pop();
      const members = [...below.members, ...cluster.members];
      const middle = members.reduce((sum, { value }) => sum + at(value), 0) / members.length;
      cluster = { members, bottom: middle - ((members.length - 1) / 2) * step };
    }
    clusters.push(cluster);
  }
  return clusters.flatMap(({ members, bottom }) =>
    members.map((end, k) => ({ ...end, shown: back(bottom + k * step) })),
  );
}
