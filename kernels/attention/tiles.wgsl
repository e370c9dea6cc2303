// What the attention kernels share: products of tiles held by 8 × TX invocations, each with 8 × 4 results in registers.
//
// A workgroup keeps a block of 64 rows (queries, or keys in the gradient of keys) and streams the other side past it,
// LINES = 4 · TX lines at a time. Invocation (ty, tx) owns rows 4·ty..4·ty+3 and 32+4·ty..32+4·ty+3 and either
//   scores: columns 4·tx..4·tx+3 of [64, LINES], `lo[c]` being the first four rows of column c; or
//   sums:   elements 4·tx..4·tx+3 of the head, `lo[r]` being those four elements of row r; of heads above 4 · TX elements
//           also 4·(TX+tx)..4·(TX+tx)+3, in a second tile (KEY_SPANS and VALUE_SPANS count the tiles of a key's and a value's sums).
// Every vec4 read from workgroup memory serves 8 or 4 multiply-adds for each of its elements.
//
// Constants: HEAD_DIM (of queries and keys), VALUE_DIM, TX, CHUNK (elements of a head staged at a time), PART (streamed lines
// weighed at a time), POOL (vec4s of workgroup memory), LINE_MASK, SCALE. The pass (attention/forward and so on) defines `main` and
// `fetch(which, at)`, attention/seen what a query sees; src/ops/attention-kernels.ts writes out the loops over KEY_SPANS and VALUE_SPANS.
const QUADS = HEAD_DIM / 4u;
const VALUE_QUADS = VALUE_DIM / 4u;
const KEY_SPANS = (QUADS + TX - 1u) / TX;
const VALUE_SPANS = (VALUE_QUADS + TX - 1u) / TX;
const INVOCATIONS = 8u * TX;
const LINES = 4u * TX;

/** vec4s in a row of qkv. */
fn width() -> u32 { return (p.heads + p.kv_heads) * QUADS + p.value_heads * VALUE_QUADS; }
/** Where a key head begins in a row of qkv, and the value head that goes with it. */
fn key_at(kv_head: u32) -> u32 { return (p.heads + kv_head) * QUADS; }
fn value_at(kv_head: u32) -> u32 { return (p.heads + p.kv_heads) * QUADS + kv_head % p.value_heads * VALUE_QUADS; }

struct Lane { ty: u32, tx: u32, index: u32 }
struct Tile { lo: mat4x4f, hi: mat4x4f }
struct Rows { lo: vec4f, hi: vec4f }
/** Lines of a head's elements, `stride` vec4s apart, in the storage buffer that `fetch` calls `which`; past `lines` there are zeros. */
struct Source { which: u32, base: u32, stride: u32, lines: u32 }

var<workgroup> pool: array<vec4f, POOL>;

fn lane_of(index: u32) -> Lane { return Lane(index / TX, index % TX, index); }

fn line(source: Source, line: u32, quad: u32) -> vec4f {
  if (line >= source.lines) { return vec4f(); }
  return fetch(source.which, source.base + line * source.stride + quad);
}

// Puts CHUNK elements (from vec4 `quad0` on) of 4 · quads lines into the pool as [CHUNK][lines]. The exclusive or spreads
// the stores of a row's elements, and the loads of a column's lines, over the banks.
fn stage_turned(at: u32, quads: u32, mask: u32, source: Source, quad0: u32, index: u32) {
  for (var i = index; i < quads * (CHUNK / 4u); i += INVOCATIONS) {
    let k = i % (CHUNK / 4u);
    let l = i / (CHUNK / 4u);
    let block = transpose(mat4x4f(
      line(source, 4u * l, quad0 + k),
      line(source, 4u * l + 1u, quad0 + k),
      line(source, 4u * l + 2u, quad0 + k),
      line(source, 4u * l + 3u, quad0 + k)));
    let to = at + 4u * k * quads + (l ^ (k & mask));
    pool[to] = block[0];
    pool[to + quads] = block[1];
    pool[to + 2u * quads] = block[2];
    pool[to + 3u * quads] = block[3];
  }
}

// sum + a · bᵀ, with the multiply-adds spelt out: whether a compiler fuses them by itself is its own choice.
fn plus_outer(sum: mat4x4f, a: vec4f, b: vec4f) -> mat4x4f {
  return mat4x4f(
    fma(a, vec4f(b.x), sum[0]), fma(a, vec4f(b.y), sum[1]), fma(a, vec4f(b.z), sum[2]), fma(a, vec4f(b.w), sum[3]));
}

// scores[row, column] = row · column over the head, which has `quads` vec4s.
fn products(rows: Source, columns: Source, quads: u32, lane: Lane) -> Tile {
  var sum = Tile();
  for (var quad0 = 0u; quad0 < quads; quad0 += CHUNK / 4u) {
    workgroupBarrier();
    stage_turned(0u, 16u, 7u, rows, quad0, lane.index);
    stage_turned(16u * CHUNK, TX, LINE_MASK, columns, quad0, lane.index);
    workgroupBarrier();
    for (var k = 0u; k < CHUNK / 4u; k++) {
      let a = k * 64u + (lane.ty ^ (k & 7u));
      let b = 16u * CHUNK + k * 4u * TX + (lane.tx ^ (k & LINE_MASK));
      let b0 = pool[b];
      sum.lo = plus_outer(sum.lo, pool[a], b0);
      sum.hi = plus_outer(sum.hi, pool[a + 8u], b0);
      let b1 = pool[b + TX];
      sum.lo = plus_outer(sum.lo, pool[a + 16u], b1);
      sum.hi = plus_outer(sum.hi, pool[a + 24u], b1);
      let b2 = pool[b + 2u * TX];
      sum.lo = plus_outer(sum.lo, pool[a + 32u], b2);
      sum.hi = plus_outer(sum.hi, pool[a + 40u], b2);
      let b3 = pool[b + 3u * TX];
      sum.lo = plus_outer(sum.lo, pool[a + 48u], b3);
      sum.hi = plus_outer(sum.hi, pool[a + 56u], b3);
    }
  }
  return sum;
}

// sums[row] + the lines, each times its weight in `weights` [64, LINES]; of lines of `quads` vec4s the TX from `quad0` on.
fn weighted(sums: Tile, weights: Tile, lines: Source, quad0: u32, quads: u32, lane: Lane) -> Tile {
  var sum = sums;
  for (var first = 0u; first < LINES; first += PART) {
    workgroupBarrier();
    if (4u * lane.tx >= first && 4u * lane.tx < first + PART) {
      let k = lane.tx - first / 4u;
      let to = k * 64u + (lane.ty ^ (k & 7u));
      pool[to] = weights.lo[0];
      pool[to + 8u] = weights.hi[0];
      pool[to + 16u] = weights.lo[1];
      pool[to + 24u] = weights.hi[1];
      pool[to + 32u] = weights.lo[2];
      pool[to + 40u] = weights.hi[2];
      pool[to + 48u] = weights.lo[3];
      pool[to + 56u] = weights.hi[3];
    }
    for (var i = lane.index; i < PART * TX; i += INVOCATIONS) {
      if (quad0 + i % TX < quads) { pool[16u * PART + i] = line(lines, first + i / TX, quad0 + i % TX); }
    }
    workgroupBarrier();
    if (quad0 + lane.tx < quads) {
      for (var k = 0u; k < PART / 4u; k++) {
        let a = k * 64u + (lane.ty ^ (k & 7u));
        let b = 16u * PART + k * 4u * TX + lane.tx;
        let b0 = pool[b];
        sum.lo = plus_outer(sum.lo, b0, pool[a]);
        sum.hi = plus_outer(sum.hi, b0, pool[a + 8u]);
        let b1 = pool[b + TX];
        sum.lo = plus_outer(sum.lo, b1, pool[a + 16u]);
        sum.hi = plus_outer(sum.hi, b1, pool[a + 24u]);
        let b2 = pool[b + 2u * TX];
        sum.lo = plus_outer(sum.lo, b2, pool[a + 32u]);
        sum.hi = plus_outer(sum.hi, b2, pool[a + 40u]);
        let b3 = pool[b + 3u * TX];
        sum.lo = plus_outer(sum.lo, b3, pool[a + 48u]);
        sum.hi = plus_outer(sum.hi, b3, pool[a + 56u]);
      }
    }
  }
  return sum;
}

/** Numbers of the lane's first and last four rows. */
fn rows_of(first: u32, lane: Lane) -> vec4u { return vec4u(first + 4u * lane.ty) + vec4u(0u, 1u, 2u, 3u); }
