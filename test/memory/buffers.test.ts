import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leastBytes, planBuffers, planBytes, type Stay } from "../../src/memory/buffers.js";

/** Stays as a recording gives them: every moment is the start or the end of one; some never end. */
const recordings = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 12 })), { maxLength: 40 })
  .map((asked) => {
    const stays: Stay[] = [];
    let moment = 0;
    for (const [size, age] of asked) {
      const stay = { bytes: 256 * size, start: moment++, end: Number.POSITIVE_INFINITY };
      stays.push(stay);
      const oldest = stays[stays.length - 1 - age];
      if (oldest?.end === Number.POSITIVE_INFINITY) oldest.end = moment++;
    }
    return stays;
  });

describe("a plan of buffers", () => {
  it("gives every tensor a buffer that fits and that nobody else needs meanwhile", () => {
    fc.assert(
      fc.property(recordings, (stays) => {
        const { sizes, buffers } = planBuffers(stays);
        expect(buffers).toHaveLength(stays.length);
        for (const [i, a] of stays.entries()) {
          expect(sizes[buffers[i]]).toBeGreaterThanOrEqual(a.bytes);
          for (const [j, b] of stays.entries()) {
            if (i !== j && a.start < b.end && b.start < a.end) expect(buffers[i]).not.toBe(buffers[j]);
          }
        }
      }),
    );
  });

  it("takes no less than what is needed at once, and no more than all of it", () => {
    fc.assert(
      fc.property(recordings, (stays) => {
        const bytes = planBytes(planBuffers(stays));
        expect(bytes).toBeGreaterThanOrEqual(leastBytes(stays));
        expect(bytes).toBeLessThanOrEqual(stays.reduce((sum, stay) => sum + stay.bytes, 0));
      }),
    );
  });

  it("lets a tensor have the memory of one that was released before", () => {
    const stays = [
      { bytes: 512, start: 0, end: 1 },
      { bytes: 1024, start: 2, end: 4 },
      { bytes: 256, start: 3, end: Number.POSITIVE_INFINITY },
    ];
    expect(planBuffers(stays)).toEqual({ sizes: [1024, 256], buffers: [0, 0, 1] });
    expect(leastBytes(stays)).toBe(1280);
  });
});
