// What the attention kernels on tensor cores share: f16 × f16 → f32 products of subgroup matrices M × K by K × N.
//
// A workgroup of SUBGROUPS subgroups keeps a block of ROWS rows (queries, or keys in the gradient of keys) as left matrices in
// registers, ROWS_EACH a subgroup, and streams the other side past them, LINES lines at a time through workgroup memory. WGSL gives no access to the
// elements of a matrix, so scores [ROWS, LINES] go through workgroup memory too: in f32 from the results of a product, to the
// invocations that own a row (SHARERS of them, each every SHARERS-th vec4), and back in f16 as the left matrices of the next product.
// Everything in workgroup memory lies in vec4s, in which matrices are found too; rows are 2 vec4s longer than what they hold, so that
// matrices and vec4s spread over the banks.
//
// Two barriers a tile: (1) scores are written; then invocations make weights of them, and tiles of which nobody reads any more are
// replaced by the next ones, fetched into registers before; (2) weights and tiles are written. A subgroup reads weights and
// the second product's tile until its next (1), and scores of the next tile it may write at once: all read them before (2).
//
// Constants: HEAD_DIM, VALUE_DIM, SCALE; M, N, K, LANES of the adapter's matrices; SUBGROUPS, DOWN (matrices below each other a subgroup),
// LINES, STAGES (tiles of streamed lines that have room); KEY_CHUNK and VALUE_CHUNK, the largest common divisors of LINES and the two
// sizes of heads. The pass (attention/tensor-forward and so on) defines `main` and `fetch(which, at)`; attention/seen what a
// query sees; src/ops/attention-tensor.ts the rest, with the loops over arrays of matrices written out.
const ROWS_EACH = DOWN * M;
const ROWS = SUBGROUPS * ROWS_EACH;
const THREADS = SUBGROUPS * LANES;
const SHARERS = LANES / M;
/** vec4s of a row of scores an invocation. */
const QUADS = LINES / 4u / SHARERS;
/** Products along a head, along the lines; matrices of results along a head, along the lines; 8 halves of a head. */
const KEY_STEPS = HEAD_DIM / K;
const VALUE_STEPS = VALUE_DIM / K;
const LINE_STEPS = LINES / K;
const KEY_BLOCKS = HEAD_DIM / N;
const VALUE_BLOCKS = VALUE_DIM / N;
const LINE_BLOCKS = LINES / N;
const KEY_EIGHTS = HEAD_DIM / 8u;
const VALUE_EIGHTS = VALUE_DIM / 8u;
/** The same of a chunk: as many elements of a head as pass through a row of scores or weights at once. */
const KEY_CHUNKS = HEAD_DIM / KEY_CHUNK;
const VALUE_CHUNKS = VALUE_DIM / VALUE_CHUNK;
const KEY_CHUNK_STEPS = KEY_CHUNK / K;
const VALUE_CHUNK_STEPS = VALUE_CHUNK / K;
const KEY_CHUNK_BLOCKS = KEY_CHUNK / N;
const VALUE_CHUNK_BLOCKS = VALUE_CHUNK / N;
/** vec4s from row to row in workgroup memory, and from matrix to matrix in a row. */
const KEY_STRIDE = HEAD_DIM / 4u + 2u;
const VALUE_STRIDE = VALUE_DIM / 4u + 2u;
const ROW_STRIDE = LINES / 4u + 2u;
const K4 = K / 4u;
const N4 = N / 4u;
/** Loads of 8 halves an invocation and tile. */
const KEY_TURNS = (LINES * KEY_EIGHTS + THREADS - 1u) / THREADS;
const VALUE_TURNS = (LINES * VALUE_EIGHTS + THREADS - 1u) / THREADS;

/** The streamed tiles: of keys or queries, and of values or the output's gradient. */
var<workgroup> key_lines: array<vec4<f16>, STAGES * LINES * KEY_STRIDE>;
var<workgroup> value_lines: array<vec4<f16>, STAGES * LINES * VALUE_STRIDE>;
var<workgroup> scores: array<vec4f, ROWS * ROW_STRIDE>;
var<workgroup> weights: array<vec4<f16>, ROWS * ROW_STRIDE>;

/** 8 halves each: a row of qkv, and where a key head, and the value head that goes with it, begin in it. */
fn width() -> u32 { return (p.heads + p.kv_heads) * KEY_EIGHTS + p.value_heads * VALUE_EIGHTS; }
fn key_at(kv_head: u32) -> u32 { return (p.heads + kv_head) * KEY_EIGHTS; }
fn value_at(kv_head: u32) -> u32 { return (p.heads + p.kv_heads) * KEY_EIGHTS + kv_head % p.value_heads * VALUE_EIGHTS; }

/** Lines of a head's elements, `stride` times 8 halves apart, in the buffer that `fetch` calls `which`; past `lines` there are zeros. */
struct Source { which: u32, base: u32, stride: u32, lines: u32 }

fn source_at(which: u32, base: u32, line: u32) -> Source {
  return Source(which, base + line * width(), width(), p.length - line);
}

fn eight(source: Source, line: u32, at: u32) -> vec4u {
  if (line >= source.lines) { return vec4u(); }
  return fetch(source.which, source.base + line * source.stride + at);
}

/** The low and the high half of 8 halves. */
fn low(value: vec4u) -> vec4<f16> { return bitcast<vec4<f16>>(value.xy); }
fn high(value: vec4u) -> vec4<f16> { return bitcast<vec4<f16>>(value.zw); }

/** Puts a chunk of a subgroup's own rows, from 8 halves number `at` on, where weights will lie, to be loaded as left matrices. */
fn hold(source: Source, at: u32, eights: u32, own: u32, lane: u32) {
  for (var item = lane; item < ROWS_EACH * eights; item += LANES) {
    let row = own + item / eights;
    let value = eight(source, row, at + item % eights);
    let to = row * ROW_STRIDE + item % eights * 2u;
    weights[to] = low(value);
    weights[to + 1u] = high(value);
  }
}

/** 8 results from vec4 `at` on as the halves that leave the kernel. */
fn finished8(at: u32, factor: f32) -> vec4u {
  let halves = array<vec4<f16>, 2>(vec4<f16>(scores[at] * factor), vec4<f16>(scores[at + 1u] * factor));
  return vec4u(bitcast<vec2u>(halves[0]), bitcast<vec2u>(halves[1]));
}
