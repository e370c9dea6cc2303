/**
 * How weights of braid lie in another program's files. Every mapping only renames, joins, stacks or reorders, so that its
 * reverse is exact, and takes gradients to gradients.
 */

import type { StoredTensor } from "../safetensors.js";

export interface Mapping {
  /** Names in braid. */
  ours: string[];
  /** Names in the file. */
  theirs: string[];
  read: (theirs: StoredTensor[]) => StoredTensor[];
  write: (ours: StoredTensor[]) => StoredTensor[];
}

/** The same tensor under another name. */
export function renamed(ours: string, theirs: string): Mapping {
  return { ours: [ours], theirs: [theirs], read: (tensors) => tensors, write: (tensors) => tensors };
}

/** Tensors that one tensor of the file holds one below the other; `rows` is the height of each. */
export function joined(ours: string[], theirs: string, rows: number[]): Mapping {
  return {
    ours,
    theirs: [theirs],
    read([{ shape, values }]) {
      const [height, ...rest] = shape;
      const width = product(rest);
      if (height !== rows.reduce((sum, row) => sum + row, 0)) {
        throw new Error(`tensor ${theirs} is [${shape}], but the config wants ${rows.join(" + ")} rows.`);
      }
      let first = 0;
      return rows.map((row) => {
        const part = values.subarray(first * width, (first + row) * width);
        first += row;
        return { shape: [row, ...rest], values: part };
      });
    },
    write: (tensors) => [concat(tensors, [rows.reduce((sum, row) => sum + row, 0), ...tensors[0].shape.slice(1)])],
  };
}

/** One tensor [count, …] that the file holds as `count` tensors. */
export function stacked(ours: string, theirs: string[]): Mapping {
  return {
    ours: [ours],
    theirs,
    read: (tensors) => [concat(tensors, [tensors.length, ...tensors[0].shape])],
    write([{ shape, values }]) {
      const [, ...rest] = shape;
      const size = product(rest);
      return theirs.map((_, i) => ({ shape: rest, values: values.subarray(i * size, (i + 1) * size) }));
    },
  };
}

/** One tensor [count, 2·rows, …] of pairs, one below the other, that the file holds as two tensors for each. */
export function stackedPairs(ours: string, first: string[], second: string[]): Mapping {
  const theirs = first.flatMap((name, i) => [name, second[i]]);
  const single = stacked(ours, theirs);
  return {
    ...single,
    read(tensors) {
      const [{ shape, values }] = single.read(tensors);
      const [, rows, ...rest] = shape;
      return [{ shape: [first.length, 2 * rows, ...rest], values }];
    },
    write([{ shape, values }]) {
      const [count, rows, ...rest] = shape;
      return single.write([{ shape: [2 * count, rows / 2, ...rest], values }]);
    },
  };
}

/** The same rows in another order: our row i is row `order[i]` of the file's tensor. */
export function reordered(ours: string, theirs: string, order: readonly number[]): Mapping {
  const move = ({ shape, values }: StoredTensor, from: (i: number) => number, to: (i: number) => number) => {
    const width = values.length / order.length;
    const moved = new Float32Array(values.length);
    order.forEach((_, i) => {
      moved.set(values.subarray(from(i) * width, (from(i) + 1) * width), to(i) * width);
    });
    return { shape, values: moved };
  };
  return {
    ours: [ours],
    theirs: [theirs],
    read: ([tensor]) => [
      move(
        tensor,
        (i) => order[i],
        (i) => i,
      ),
    ],
    write: ([tensor]) => [
      move(
        tensor,
        (i) => i,
        (i) => order[i],
      ),
    ],
  };
}

function concat(tensors: StoredTensor[], shape: number[]): StoredTensor {
  const values = new Float32Array(product(shape));
  let at = 0;
  for (const tensor of tensors) {
    values.set(tensor.values, at);
    at += tensor.values.length;
  }
  return { shape, values };
}

const product = (sizes: readonly number[]) => sizes.reduce((total, size) => total * size, 1);
