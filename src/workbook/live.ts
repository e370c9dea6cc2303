/**
 * The one updating display that training shows in a notebook. tslab breaks when a cell writes much in one go, so
 * however fast the events come, the display changes a few times a second.
 */

import {
  durationText,
  isDone,
  isOfStep,
  progressText,
  rateText,
  type TrainProgress,
  validatingText,
} from "../train/progress.js";
import { escapeHtml, unescapeHtml } from "./html.js";

/** Milliseconds between updates. */
const interval = 300;

/** The part of tslab that is needed; cells pass theirs: `import * as tslab from "tslab"`. */
export interface DisplayHost {
  newDisplay(): { html(markup: string): void };
}

/**
 * Opens a display in the running cell and returns the function to hand to training as `onProgress`. It shows the loss
 * curve, step, loss, speed and time left.
 */
export function liveProgress(tslab: DisplayHost): (progress: TrainProgress) => void {
  const display = tslab.newDisplay();
  let curve = new LossCurve();
  let label: string | undefined;
  let latest: TrainProgress | undefined;
  let drawn = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;

  const draw = () => {
    clearTimeout(timer);
    timer = undefined;
    drawn = Date.now();
    display.html(panel(latest!, curve));
  };

  return (progress) => {
    if (progress.label !== label) {
      curve = new LossCurve();
      label = progress.label;
    }
    if (isOfStep(progress)) curve.add(progress.step, progress.loss);
    latest = progress;
    // A validation's loss is told once.
    if (progress.validation !== undefined || Date.now() - drawn >= interval) draw();
    // The last event before training stops early must not be lost; the timer keeps no process alive.
    else timer ??= setTimeout(draw, interval).unref();
  };
}

/** Where the display says its progress in a line, for those who run a notebook where no display is seen. */
const progressAttribute = "data-progress";
const progressPattern = new RegExp(`^<div ${progressAttribute}="([^"]*)"`);

/** The line of progress that a display's markup carries; undefined for other markup. */
export function progressIn(markup: string): string | undefined {
  const found = progressPattern.exec(markup)?.[1];
  return found === undefined ? undefined : unescapeHtml(found);
}

/** Loss by step, thinned to at most 300 points: neighbours are averaged when the list is full. */
class LossCurve {
  points: [step: number, loss: number][] = [];
  private stride = 1;
  private sum = 0;
  private count = 0;

  add(step: number, loss: number): void {
    if (!Number.isFinite(loss)) return;
    this.sum += loss;
    if (++this.count < this.stride) return;
    this.points.push([step, this.sum / this.count]);
    this.sum = this.count = 0;
    if (this.points.length < 300) return;
    this.points = this.points.flatMap((point, index, all) =>
      index % 2 === 0 ? [] : [[point[0], (all[index - 1][1] + point[1]) / 2] as [number, number]],
    );
    this.stride *= 2;
  }
}

function panel(progress: TrainProgress, curve: LossCurve): string {
  const { label, step, steps, tokens, loss, validating, validation, tokensPerSecond, secondsLeft } = progress;
  const entries: [string, string][] = [
    ["step", `${step} of ${steps}`],
    ["tokens", tokens.toLocaleString("en-GB")],
    ["loss", loss.toFixed(4)],
  ];
  if (validation !== undefined) entries.push(["validation", validation.toFixed(4)]);
  entries.push(["speed", rateText(tokensPerSecond)]);
  if (validating !== undefined) entries.push(["", validatingText(validating)]);
  else entries.push(isDone(progress) ? ["", "done"] : ["left", durationText(secondsLeft)]);
  const cells = entries
    .map(([name, value]) => `<span style="margin-right:1.6em"><span style="opacity:.65">${name}</span> ${value}</span>`)
    .join("");
  const title = label ? `<div style="font-weight:600">${escapeHtml(label)}</div>` : "";
  return (
    `<div ${progressAttribute}="${escapeHtml(progressText(progress))}" style="font:13px/1.6 system-ui,sans-serif;font-variant-numeric:tabular-nums">${title}` +
    `<progress value="${step}" max="${steps}" style="width:420px;height:6px"></progress>` +
    `<div>${cells}</div>${curveSvg(curve.points, steps)}</div>`
  );
}

/** A small line chart in the notebook's own text colour, so that it reads on any theme. */
function curveSvg(points: [number, number][], steps: number): string {
  if (points.length < 2) return "";
  const [width, height, left, bottom] = [420, 130, 44, 18];
  const losses = points.map(([, loss]) => loss);
  const low = Math.min(...losses);
  const high = Math.max(...losses);
  const x = (step: number) => left + (step / steps) * (width - left - 4);
  const y = (loss: number) => 8 + ((high - loss) / (high - low || 1)) * (height - bottom - 16);
  const line = points.map(([step, loss]) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(" ");
  const text = (tx: number, ty: number, anchor: string, value: string) =>
    `<text x="${tx}" y="${ty}" text-anchor="${anchor}">${value}</text>`;
  return (
    `<svg width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="loss curve" ` +
    `font-size="10" fill="currentColor" style="display:block;color:inherit">` +
    `<path d="M${left},4V${height - bottom}H${width}" fill="none" stroke="currentColor" opacity="0.4"/>` +
    `<polyline points="${line}" fill="none" stroke="#5b64e7" stroke-width="1.5"/>` +
    text(left - 5, y(high) + 4, "end", high.toFixed(2)) +
    text(left - 5, y(low) + 4, "end", low.toFixed(2)) +
    text(left, height - 5, "start", "0") +
    text(width, height - 5, "end", `step ${steps}`) +
    "</svg>"
  );
}
