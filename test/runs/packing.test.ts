import { describe, expect, test } from "vitest";
import { Packing } from "../../src/runs/packing.js";

/** What a card of this throughput for 1, 2, … processes comes to. */
function settle(rates: number[], jobs: number | "auto" = "auto"): { packing: Packing; words: string[] } {
  const packing = new Packing({ jobs });
  const words: string[] = [];
  for (let turns = 0; packing.measuring && turns < 20; turns++) {
    const processes = packing.target;
    const tokensPerSecond = rates[processes - 1];
    const said = packing.observe({ processes, tokensPerSecond, flopsPerSecond: tokensPerSecond });
    if (said) words.push(said);
  }
  return { packing, words };
}

describe("packing", () => {
  test("goes back to one process where three make less than one", () => {
    const { packing, words } = settle([541e3, 520e3, 480e3]);
    expect(packing.target).toBe(1);
    expect(words).toEqual(["1 process 541 ktok/s: trying 2", "1 process 541 ktok/s, 2 together 520 ktok/s: 1 stays"]);
  });

  test("adds processes as long as each brings a tenth more", () => {
    const { packing, words } = settle([100e3, 180e3, 230e3, 250e3]);
    expect(packing.target).toBe(3);
    expect(words.at(-1)).toBe(
      "1 process 100 ktok/s, 2 together 180 ktok/s, 3 together 230 ktok/s, 4 together 250 ktok/s: 3 stays",
    );
  });

  test("compares by FLOPs, so that a second model of another size is no loss and no gain by itself", () => {
    const packing = new Packing({ jobs: "auto" });
    packing.observe({ processes: 1, tokensPerSecond: 100e3, flopsPerSecond: 1e12 });
    packing.observe({ processes: 2, tokensPerSecond: 90e3, flopsPerSecond: 1.5e12 });
    expect(packing.target).toBe(3);
  });

  test("leaves a given number alone", () => {
    const { packing, words } = settle([100, 50, 30], 3);
    expect([packing.target, packing.measuring, words]).toEqual([3, false, []]);
    expect(packing.observe({ processes: 3, tokensPerSecond: 1, flopsPerSecond: 1 })).toBeUndefined();
  });

  test("heeds no measurement of another number than the one wanted", () => {
    const packing = new Packing({ jobs: "auto" });
    expect(packing.observe({ processes: 2, tokensPerSecond: 1, flopsPerSecond: 1 })).toBeUndefined();
    expect(packing.target).toBe(1);
  });

  test("stays below the number that a card refused", () => {
    const packing = new Packing({ jobs: "auto" });
    packing.observe({ processes: 1, tokensPerSecond: 1e5, flopsPerSecond: 1 });
    expect(packing.refuse(2, "are out of memory")).toBe("2 processes are out of memory; 1 process 100 ktok/s: 1 stays");
    expect([packing.target, packing.measuring]).toEqual([1, false]);
    const given = new Packing({ jobs: 4 });
    given.refuse(4, "are out of memory");
    expect(given.target).toBe(3);
    given.refuse(1, "are out of memory");
    expect(given.target, "one process is always tried").toBe(1);
  });
});
