// What the SSD kernels share. Each is a batch of products, cut into tiles of BM × BN results, every invocation holding 4 × 4 of them
// as four rows of vec4f. A kernel gives `a_block` and `b_block`, which read a piece of four inner elements by four lines of
// an operand, and `run`, which multiplies and writes a tile. staged.wgsl or direct.wgsl give `product` and `main`.
// src/ops/ssd-plan.ts puts in front: Q tokens a chunk, P head dim, N state, H heads, G groups, BM, BN, BK, and the extent of the
// kernel's batch: ROWS, COLUMNS of a whole result, HEADS (heads or groups, or 1). All extents are multiples of their tiles.
const R = H / G;
const HP = H * P;
/** Columns of a row of xBC, and where B and C begin in it. */
const ROW = HP + 2u * G * N;
const B0 = HP;
const C0 = HP + G * N;
const TILES = (ROWS / BM) * (COLUMNS / BN);

struct Params {
  length: u32, chunks: u32, batch: u32,
  /** Elements of [B, H, padded T]: from dt to cs in `decay`, from one sum to the next in `rows`. */
  count: u32,
  /** Where this kernel's sums begin in `rows`; and more, said by the kernel. */
  base: u32, stride: u32, column: u32,
}
@group(0) @binding(0) var<uniform> p: Params;

/** A tile: where it begins in its result, which head or group, sequence and chunk; first token; index of sequence and chunk. */
struct Tile { row0: u32, column0: u32, head: u32, b: u32, chunk: u32, t0: u32, index: u32 }

fn tile_of(tile: u32, head: u32, index: u32) -> Tile {
  let columns = COLUMNS / BN;
  let chunk = index % p.chunks;
  return Tile(tile / columns * BM, tile % columns * BN, head, index / p.chunks, chunk, chunk * Q, index);
}

/** Where the first token of a chunk is in [B, H, padded T]. */
fn times_of(tile: Tile, h: u32) -> u32 { return ((tile.b * H + h) * p.chunks + tile.chunk) * Q; }

/** exp of differences of cs, where the order of tokens makes them non-positive. */
fn decays(difference: vec4f) -> vec4f { return exp(min(difference, vec4f())); }
fn four(first: u32) -> vec4u { return vec4u(first, first + 1u, first + 2u, first + 3u); }
