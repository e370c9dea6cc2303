/** The memory of a training step, played through on paper: what `src/ops/tape.ts` asks for and gives back, block by block. */

import type { Activation } from "../config/blocks/activations.js";
import type { Stay } from "../memory/buffers.js";
import type { Recompute } from "../memory/recompute.js";

/** What an operation gives, one row a token. Its values and its gradient are there, or not, at any moment. */
interface Value {
  bytes: number;
  values: Stay[];
  gradient?: Stay;
  /** No gradient goes to it. */
  constant?: boolean;
  /** Computes it again, where it was given back. */
  again?: () => void;
}

/** An operation, with its tensors, and what its kernels work with: bytes of tensors that exist together. */
interface Operation {
  activation: Activation;
  own: Value;
  reads: Value[];
  adds?: Value;
  forward: number[];
  /** Before it gives out gradients, and afterwards, in turn. */
  first: number[];
  backward: number[][];
}

/** Workgroups that keep a GPU busy: a product with fewer tiles is split (`src/ops/matmul.ts`). */
const BUSY = 264;

/** Bytes of the parts that a product [m, k] · [k, n] is split into along k, to be summed; 0 where it is not. */
export function splitBytes(m: number, n: number, k: number): number {
  const tiles = (tile: number) => Math.ceil(m / tile) * Math.ceil(n / tile);
  const large = m >= 96 && n >= 96 && (tiles(128) >= 128 || k >= 4096);
  const parts = Math.min(Math.ceil(BUSY / tiles(large ? 128 : 64)), Math.max(1, Math.floor(k / 256)));
  return parts > 1 ? 4 * parts * m * n : 0;
}

export class Rehearsal {
  readonly stays: Stay[] = [];
  private moment = 0;
  private readonly blocks: Operation[][] = [];

  /** @param bytesANumber of activations that are not f32 in any case */
  constructor(
    private readonly tokens: number,
    private readonly level: Recompute,
    private readonly bytesANumber: number,
  ) {}

  /** A value from outside the blocks, of f32 where `full`; it stays until `end`. */
  value(width: number, full = true): Value {
    const bytes = this.bytesOf(width, full);
    return { bytes, values: [this.take(bytes)] };
  }

  gradientOf(value: Value): void {
    value.gradient ??= this.take(value.bytes);
  }

  end(value: Value): void {
    for (const stay of value.values) this.give(stay);
    value.values = [];
    if (value.gradient) this.give(value.gradient);
    value.gradient = undefined;
  }

  /** Tensors that are needed for a moment only. */
  use(...bytes: number[]): void {
    for (const stay of bytes.filter((each) => each > 0).map((each) => this.take(each))) this.give(stay);
  }

  /**
   * The forward pass of a block; `outside` has the values that it reads from elsewhere. Gives the new stream.
   * @throws Error when an operation reads what is not there.
   */
  forward(activations: readonly Activation[], outside: Record<string, Value>): Value {
    const known = new Map(Object.entries(outside));
    const find = (name: string): Value => {
      const value = known.get(name);
      if (!value) throw new Error(`activations: nothing before it is called "${name}".`);
      return value;
    };
    const operations = activations.map((activation) => {
      const operation = this.operation(activation, find, (name) =>
        // The streams from outside are of f32.
        name in outside ? outside[name].bytes / 4 / this.tokens : activations.find((each) => each.name === name)!.width,
      );
      known.set(activation.name, operation.own);
      this.fill(operation);
      return operation;
    });
    for (const operation of operations.slice(0, -1)) this.giveBack(operation);
    this.blocks.push(operations);
    return operations[operations.length - 1].own;
  }

  /** The backward pass of the last block that has not had it. */
  backward(): void {
    for (const operation of this.blocks.pop()!.reverse()) {
      const { activation, own } = operation;
      const [output] = own.values;
      if (output && !activation.held) {
        this.give(output);
        own.values.shift();
      }
      if (!activation.constant) this.passBack(operation);
      this.end(own);
    }
  }

  private operation(
    activation: Activation,
    find: (name: string) => Value,
    widthOf: (name: string) => number,
  ): Operation {
    const { kind, width, reads, adds, work = {}, constant } = activation;
    const bytes = (numbers: number[] = []) => numbers.map((each) => this.bytesOf(each, true));
    const operation: Operation = {
      activation,
      own: { bytes: this.bytesOf(width, activation.full), values: [], constant },
      reads: reads.map(find),
      adds: adds === undefined ? undefined : find(adds),
      forward: bytes(work.forward),
      first: bytes(work.first),
      backward: [bytes(work.backward)],
    };
    if (kind === "product") {
      const inner = widthOf(reads[0]);
      if (adds === undefined) operation.forward.push(splitBytes(this.tokens, width, inner));
      operation.backward.push([splitBytes(this.tokens, inner, width)], [splitBytes(width, inner, this.tokens)]);
    }
    return operation;
  }

  private giveBack(operation: Operation): void {
    const { kind, unread } = operation.activation;
    const cheap = kind === "cheap" || kind === "copy";
    if (!unread && (kind === "kept" || this.level === "none" || (this.level === "light" && !cheap))) return;
    this.end(operation.own);
    operation.own.again = () => this.fill(operation);
  }

  private passBack({ activation, own, reads, adds, first, backward }: Operation): void {
    if (activation.kind !== "copy") for (const value of reads) this.ask(value);
    this.use(...first);
    for (const value of reads) if (!value.constant) this.gradientOf(value);
    for (const bytes of backward) this.use(...bytes);
    if (!adds) return;
    adds.gradient = own.gradient;
    own.gradient = undefined;
  }

  private ask(value: Value): void {
    if (value.values.length === 0) value.again?.();
  }

  private fill({ activation, own, reads, adds, forward }: Operation): void {
    own.values = [this.take(own.bytes)];
    if (activation.beside) own.values.push(this.take(this.bytesOf(activation.beside, true)));
    for (const value of adds ? [...reads, adds] : reads) this.ask(value);
    this.use(...forward);
  }

  private bytesOf(width: number, full = false): number {
    return width * this.tokens * (full ? 4 : this.bytesANumber);
  }

  private take(bytes: number): Stay {
    const stay = { bytes: Math.ceil(bytes / 256) * 256, start: this.moment++, end: Number.POSITIVE_INFINITY };
    this.stays.push(stay);
    return stay;
  }

  private give(stay: Stay): void {
    stay.end = this.moment++;
  }
}
