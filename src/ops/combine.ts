import { spread } from "../gpu/recorder.js";
import { alignment, columnsOf, rowsOf, slice, type Tensor } from "../gpu/tensor.js";
import { type Bound, declare } from "./bindings.js";
import { backwardText, branchText, type Columns, type Joining, leaveText, type ScaleForm } from "./combine-text.js";
import { addPartials } from "./partials.js";
import { planRows } from "./row-plan.js";
import type { Tape } from "./tape.js";
import { isWide, lengthOf, vector } from "./vector.js";

/**
 * What the branches a, b [R, W] of a hybrid block are multiplied by (arXiv:2510.04800, Tables 6 and 7 and Appendix Q).
 * - none: nothing.
 * - vector: learned factors a, b [W], one for each channel (Hymba's β, arXiv:2411.13676).
 * - scalar: the second branch by λ [1], a parameter or the result of `differentialLambda`.
 * - gate: a by g and b by 1 - g with g = sigmoid(logits), [R, W]: one for each token and channel.
 * - alpha: likewise with α = sigmoid(logits), [R, G] for each token and each of G equal groups of channels (heads), or [G] for all tokens.
 */
export type BranchScale =
  | { kind: "none" }
  | { kind: "vector"; a: Tensor; b: Tensor }
  | { kind: "scalar"; lambda: Tensor }
  | { kind: "gate"; logits: Tensor }
  | { kind: "alpha"; logits: Tensor };

export interface CombineOptions {
  fusion: "add" | "subtract" | "concat";
  /** None by default. */
  scale?: BranchScale;
}

/**
 * The branches of an intra-hybrid block fused: a + b, a - b [..., W], or [a | b] [..., 2W], each branch times its scale.
 * @throws Error when the shapes of a, b and the scale don't fit.
 */
export function combine(
  tape: Tape,
  a: Tensor,
  b: Tensor,
  { fusion, scale = { kind: "none" } }: CombineOptions,
): Tensor {
  if (rowsOf(a) !== rowsOf(b) || columnsOf(a) !== columnsOf(b)) {
    throw new Error(`Combine: a [${a.shape}] and b [${b.shape}] differ in shape`);
  }
  const [first, second] = [a, b].map((source) => ({ source, column: 0 }));
  return combineColumns(tape, first, second, { fusion, scale, width: columnsOf(a) });
}

/** a times a vector [W] by channels, or times a scalar [1], both learned; for branches that are concatenated: a [..., W] → [..., W]. */
export function scaleChannels(tape: Tape, a: Tensor, vector: Tensor): Tensor {
  const width = columnsOf(a);
  const one = columnsOf(vector) === 1;
  expectShape(vector, one ? [1] : [width], a);
  const bound: Bound[] = [{ name: "va", tensor: vector, element: one ? "f32" : "V" }];
  const form: ScaleForm = one
    ? { a: "V(va[0])", b: "V()", bound, slope: "d.a * a", sum: "group" }
    : { a: "va[j]", b: "V()", bound, sum: "column" };
  const source = { source: a, column: 0 };
  return record(tape, source, undefined, form, { width, groups: 1, joining: "first", scales: [vector] });
}

/** `combine` for columns [column, column + width) of wider tensors, or of one: those columns have to be all that it has. */
export function combineColumns(
  tape: Tape,
  a: Columns,
  b: Columns,
  { fusion, scale = { kind: "none" }, width }: CombineOptions & { width: number },
): Tensor {
  const groups = scale.kind === "alpha" ? columnsOf(scale.logits) : 1;
  const scales = scale.kind === "vector" ? [scale.a, scale.b] : scale.kind === "scalar" ? [scale.lambda] : [];
  if (scale.kind === "gate" || scale.kind === "alpha") scales.push(scale.logits);
  const form = formOf(scale, a.source, width);
  return record(tape, a, b, form, { width, groups, joining: fusion, scales });
}

/** @throws Error when the scale does not fit branches of `width`, one of which is (columns of) `x`. */
function formOf(scale: BranchScale, x: Tensor, width: number): ScaleForm {
  const rows = rowsOf(x);
  // With p and 1 - p for factors, the slope of the sigmoid is their product.
  const slope = "(d.a * a - d.b * b) * s.a * s.b";
  switch (scale.kind) {
    case "none":
      return { a: "V(1.0)", b: "V(1.0)", bound: [] };
    case "vector": {
      for (const tensor of [scale.a, scale.b]) expectShape(tensor, [width], x);
      const bound = [scale.a, scale.b].map((tensor, i) => ({ name: i ? "vb" : "va", tensor }));
      return { a: "va[j]", b: "vb[j]", bound, sum: "column" };
    }
    case "scalar": {
      expectShape(scale.lambda, [1], x);
      const bound: Bound[] = [{ name: "lambda", tensor: scale.lambda, element: "f32" }];
      return { a: "V(1.0)", b: "V(lambda[0])", bound, slope: "d.b * b", sum: "group" };
    }
    case "gate": {
      expectShape(scale.logits, [rows, width], x);
      const logit = "logits[row * UNITS + j]";
      const bound = [{ name: "logits", tensor: scale.logits }];
      return { a: `sigmoid(${logit})`, b: `sigmoid(-${logit})`, bound, slope, sum: "none" };
    }
    case "alpha": {
      const groups = columnsOf(scale.logits);
      const perToken = scale.logits.shape.length > 1;
      expectShape(scale.logits, perToken ? [rows, groups] : [groups], x);
      if (width % groups !== 0) throw new Error(`Combine: ${groups} groups of α do not divide ${width} columns`);
      const logit = `logits[${perToken ? "row * GROUPS + " : ""}j / UNITS]`;
      const bound: Bound[] = [{ name: "logits", tensor: scale.logits, element: "f32" }];
      return { a: `sigmoid(V(${logit}))`, b: `sigmoid(V(-${logit}))`, bound, slope, sum: perToken ? "row" : "group" };
    }
  }
}

function expectShape(tensor: Tensor, [first, second]: number[], x: Tensor): void {
  const [rows, columns] = second === undefined ? [1, first] : [first, second];
  if (rowsOf(tensor) !== rows || columnsOf(tensor) !== columns) {
    throw new Error(`Combine: the scale ${tensor.label} [${tensor.shape}] does not fit branches [${x.shape}]`);
  }
}

interface RecordOptions {
  width: number;
  /** Groups of columns that share a scale. */
  groups: number;
  joining: Joining;
  /** Those whose gradient is written, in the order of the partial sums. */
  scales: Tensor[];
}

function record(
  tape: Tape,
  a: Columns,
  b: Columns | undefined,
  form: ScaleForm,
  { width, groups, joining, scales }: RecordOptions,
): Tensor {
  const places = b ? [a, b] : [a];
  const rows = rowsOf(a.source);
  const wide = isWide(width / groups, ...places.flatMap(({ source, column }) => [columnsOf(source), column]));
  const length = lengthOf(wide);
  const units = width / groups / length;
  const count = rows * groups * units;
  const before = vector(wide) + branchText(a, b, form, length);
  const read: Bound[] = [{ name: "a", tensor: a.source }];
  if (b && b.source !== a.source) read.push({ name: "b", tensor: b.source });
  const sources = read.map(({ tensor }) => tensor);
  read.push(...form.bound);
  const y = tape.alloc(
    [...a.source.shape.slice(0, -1), joining === "concat" ? 2 * width : width],
    "combined",
    a.source.type,
  );
  const forward: Bound[] = [...read, { name: "y", tensor: y, write: true }];
  tape.push({
    outputs: [y],
    cheap: true,
    forward: () =>
      tape.recorder.dispatch({
        kernel: "fusion/combine",
        constants: { UNITS: units, GROUPS: groups },
        before: before + declare(1, forward) + leaveText(joining),
        bindings: forward.map(({ tensor }) => tensor),
        params: [count],
        groups: spread(Math.ceil(count / 256)),
        label: "combine",
      }),
    backward: () => {
      const { lanes, slots, per } = planRows(tape.gpu, rows, units);
      const workgroups = spread(Math.ceil(rows / per));
      const parts = workgroups[0] * workgroups[1] * (lanes === 1 ? slots : 1);
      const targets = sources.map((source) => tape.gradientOf(source));
      const scaleTargets = scales.map((scale) => tape.gradientOf(scale));
      const { sum } = form;
      // Sums over rows come in parts; those of the second scale begin where they can be bound.
      const partWidth = sum === "column" ? width : sum === "group" ? groups : 0;
      const second = Math.ceil((parts * partWidth) / alignment) * alignment;
      const partial = partWidth ? tape.arena.alloc([second * scales.length], "combine parts") : undefined;
      const kept = partial ?? scaleTargets[0]?.gradient;
      const element = sum === "row" || sum === "group" ? "f32" : "V";
      const bound: Bound[] = [
        { name: "dy", tensor: tape.incoming(y) },
        ...read,
        ...targets.map(({ gradient }, i): Bound => ({ name: i ? "db" : "da", tensor: gradient, write: true })),
        ...(kept ? [{ name: "kept", tensor: kept, element, write: true } as const] : []),
      ];
      const add = {
        a: targets[0].accumulate,
        b: (targets[1] ?? targets[0]).accumulate,
        scale: scaleTargets[0]?.accumulate ?? false,
      };
      tape.recorder.dispatch({
        kernel: "fusion/combine-backward",
        constants: {
          ...{ UNITS: units, GROUPS: groups, LANES: lanes, SLOTS: slots, EACH: Math.ceil(units / lanes) },
          ...{ BY_ROW: sum === "row", BY_GROUP: sum === "group", BY_COLUMN: sum === "column" },
        },
        before: before + declare(1, bound) + backwardText(a, b, form, { joining, add }, length),
        bindings: bound.map(({ tensor }) => tensor),
        params: [rows, per, second / length],
        groups: [...workgroups, groups],
        label: "combine dx",
      });
      if (!partial) return;
      for (const [i, { gradient, accumulate }] of scaleTargets.entries()) {
        const part = slice(partial, i * second, [parts, partWidth]);
        addPartials(tape.recorder, part, gradient, accumulate, "combine d scale");
      }
      tape.arena.release(partial);
    },
  });
  return y;
}
