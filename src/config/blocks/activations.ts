/** What the operations of a block leave in memory while it trains: the block as the tape sees it (`src/ops/tape.ts`). */

/** What one operation gives. Numbers are counted for each token. */
export interface Activation {
  /** Unique in its block. "x" is the stream that enters the block, "embedded" the embedded tokens. */
  name: string;
  width: number;
  /** What it is computed from: names of earlier ones. */
  reads: string[];
  /**
   * - product: with a matrix of weights, whose gradient takes memory too; computed again at the level "layer".
   * - cheap: an activation, a convolution, …; computed again at "light" too.
   * - copy: likewise, but its backward pass reads no values, only gradients.
   * - dear: attention, a scan or its states, a norm of the stream; computed again at "layer".
   * - kept: never computed again.
   */
  kind: "product" | "cheap" | "copy" | "dear" | "kept";
  /** What is added to it, and takes over its gradient. */
  adds?: string;
  /** Numbers of f32 that it keeps beside its output. */
  beside?: number;
  /** Its backward pass reads its own output. */
  held?: boolean;
  /** No backward pass reads it: it is given back at every level. */
  unread?: boolean;
  /** No gradient goes through it. */
  constant?: boolean;
  /** f32 in mixed precision too: the residual stream, sums along a sequence. */
  full?: boolean;
  /** Numbers of f32 that exist while its kernels run: forward; backward before it gives out gradients; and as long as its backward pass runs. */
  work?: { forward?: number[]; first?: number[]; backward?: number[] };
}

type More = Partial<Pick<Activation, "beside" | "held" | "unread" | "constant" | "full" | "work">>;
const of =
  (kind: Activation["kind"]) =>
  (name: string, width: number, reads: string[], more: More = {}): Activation => ({
    name,
    width,
    reads,
    kind,
    ...more,
  });

export const cheap = of("cheap");
export const copy = of("copy");
export const dear = of("dear");
export const kept = of("kept");

/** A projection of `read`. */
export const product = of("product");

/** A projection that is added to the residual stream. */
export const onto = (stream: string, name: string, width: number, reads: string[], more: More = {}): Activation => ({
  ...product(name, width, reads, { full: true, ...more }),
  adds: stream,
});
