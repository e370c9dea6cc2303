/**
 * As much of vitest as the GPU tests use, for a machine that has nothing but Node: their bundle (bundle.mjs) has this in
 * vitest's place. Tests run one after the other; `report` prints what failed and sets the exit status.
 */

import { format } from "node:util";
import { ChaiStyleAssertions, JestAsymmetricMatchers, JestChaiExpect, JestExtend } from "@vitest/expect";
import * as chai from "chai";

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers, ChaiStyleAssertions]) chai.use(plugin);

export const { expect } = chai;

const suite = (name) => ({ name, before: [], after: [], beforeEach: [], afterEach: [], children: [] });
const files = [];
let current = suite("");

/** What follows belongs to a test file. */
export function file(name) {
  current = suite(name);
  files.push(current);
}

export const beforeAll = (body) => current.before.push(body);
export const afterAll = (body) => current.after.push(body);
export const beforeEach = (body) => current.beforeEach.push(body);
export const afterEach = (body) => current.afterEach.push(body);

function addSuite(name, body) {
  const outer = current;
  current = suite(name);
  outer.children.push(current);
  body();
  current = outer;
}

/** Options and time-outs, which come second or third, don't count here. */
function addTest(name, ...rest) {
  const body = rest.find((part) => typeof part === "function");
  current.children.push({ name, body });
}

function each(add) {
  return (cases) =>
    (name, ...rest) => {
      for (const one of cases) {
        const values = Array.isArray(one) ? one : [one];
        const bound = rest.map((part) => (typeof part === "function" ? () => part(...values) : part));
        add(format(name, ...values), ...bound);
      }
    };
}

/** As vitest's: a case comes as it is, and the test's context after it. */
const eachFor = (cases) => (name, body) => {
  for (const one of cases) addTest(format(name, ...[one].flat()), (context) => body(one, context));
};

/** Thrown by a test that leaves itself out. */
class Skipped extends Error {}
const context = {
  skip: (why) => {
    throw new Skipped(why);
  },
};

export const describe = Object.assign(addSuite, { each: each(addSuite) });
export const it = Object.assign(addTest, {
  each: each(addTest),
  for: eachFor,
  skipIf: (no) => (no ? () => undefined : addTest),
});
export const test = it;

/** Runs everything, or what the pattern fits. */
export async function report(only) {
  let [passed, failed, skipped] = [0, 0, 0];
  const run = async (of, path, inherited) => {
    const chosen = (name) => only.test(`${path} ${of.name} ${name}`);
    const inner = of.children.some((child) => "children" in child || chosen(child.name));
    if (!inner) return;
    const before = [...inherited, ...of.beforeEach];
    try {
      for (const body of of.before) await body();
    } catch (error) {
      failed++;
      console.log(`FAILED ${path} ${of.name}: ${error.message}`);
      return;
    }
    for (const child of of.children) {
      if ("children" in child) {
        await run(child, `${path} ${of.name}`, before);
        continue;
      }
      if (!chosen(child.name)) continue;
      try {
        for (const body of before) await body();
        await child.body(context);
        passed++;
      } catch (error) {
        if (error instanceof Skipped) {
          skipped++;
          continue;
        }
        failed++;
        console.log(`FAILED ${path} ${of.name} ${child.name}: ${error.message}`);
      }
      for (const body of of.afterEach) await body();
    }
    for (const body of of.after) await body();
  };
  for (const one of files) {
    const started = performance.now();
    const before = passed + failed;
    await run(one, "", []);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    if (passed + failed > before) console.log(`${one.name}: ${passed + failed - before} tests, ${seconds} s`);
  }
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exit(failed > 0 ? 1 : 0);
}
