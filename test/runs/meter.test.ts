import { expect, test } from "vitest";
import { Meter } from "../../src/runs/meter.js";

/** Reports a run of constant speed every half second from `from` to `to`. */
function train(meter: Meter, job: number, from: number, to: number, speed: number, tokens = 0): void {
  for (let time = from; time <= to; time += 0.5) meter.progress(job, time, tokens + (time - from) * speed);
}

test("one process is measured from its first report on", () => {
  const meter = new Meter(4);
  meter.join(0);
  meter.begin(0, 10);
  train(meter, 0, 20, 23, 100);
  expect(meter.take()).toBeUndefined();
  train(meter, 0, 23.5, 24, 100, 350);
  expect(meter.take()).toEqual({ processes: 1, tokensPerSecond: 100, flopsPerSecond: 1000 });
  expect(meter.take(), "the next one starts anew").toBeUndefined();
});

test("time in which another process starts up or compiles does not count", () => {
  const meter = new Meter(2);
  meter.join(0);
  meter.begin(0, 1);
  train(meter, 0, 0, 1.5, 100);
  meter.join(1);
  // Alone on the card in fact, and twice as fast as later.
  train(meter, 0, 2, 10, 200);
  meter.begin(1, 1);
  train(meter, 0, 10.5, 20, 200);
  expect(meter.take()).toBeUndefined();
  for (let time = 20.5; time <= 24; time += 0.5) {
    meter.progress(0, time, 5000 + time * 100);
    meter.progress(1, time, time * 60);
  }
  expect(meter.take()).toEqual({ processes: 2, tokensPerSecond: 160, flopsPerSecond: 160 });
});

test("a run that ends interrupts the measurement, and the next one goes on with it", () => {
  const meter = new Meter(3);
  meter.join(0);
  meter.begin(0, 1);
  train(meter, 0, 0, 2, 100);
  meter.begin(0, 1);
  train(meter, 0, 7, 8, 100);
  expect(meter.take()).toEqual({ processes: 1, tokensPerSecond: 100, flopsPerSecond: 100 });
});

test("a process that leaves takes the measurement along", () => {
  const meter = new Meter(1);
  for (const job of [0, 1]) {
    meter.join(job);
    meter.begin(job, 1);
    meter.progress(job, 0, 0);
  }
  for (const job of [0, 1]) train(meter, job, 0.5, 2, 50);
  meter.leave(1);
  expect(meter.take()).toBeUndefined();
});
