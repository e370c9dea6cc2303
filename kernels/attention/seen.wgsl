// What the tiled attention kernels and those on tensor cores share: which keys a query sees, and in which tiles of LINES they lie.
/** Query i sees key j <= i when i - j < window or j < sink; `capacity` is for attention/from-cache alone. */
struct Params { batch: u32, length: u32, heads: u32, kv_heads: u32, value_heads: u32, window: u32, sink: u32, capacity: u32 }
@group(0) @binding(0) var<uniform> p: Params;

/** Scores are kept in units of log2, so that exp2 serves. */
const SCALE2 = SCALE * 1.4426950408889634;
/** The score of a hidden key, and where running maxima start: exp2(HIDDEN - LOWEST) is 0 too. */
const HIDDEN = -1e30;
const LOWEST = -1e29;

/** Hides the scores of keys j that queries i don't see. */
fn masked(score: vec4f, i: vec4u, j: vec4u) -> vec4f {
  let seen = (j <= i) & ((i - j < vec4u(p.window)) | (j < vec4u(p.sink)));
  return select(vec4f(HIDDEN), score, seen);
}

/** Whether all of queries i0..i1 see all of keys j0..j1. */
fn all_seen(i0: u32, i1: u32, j0: u32, j1: u32) -> bool {
  return j1 <= i0 && (i1 - j0 < p.window || j1 < p.sink);
}

/** The tiles of keys that a block of queries sees: `sink` of them first, then those from the window's first key to the last query. */
struct SeenTiles { sink: u32, from_window: u32, count: u32 }
fn tiles_seen(i0: u32, i1: u32) -> SeenTiles {
  let from_window = select(0u, i0 - (p.window - 1u), i0 >= p.window) / LINES;
  let sink = min((p.sink + LINES - 1u) / LINES, from_window);
  return SeenTiles(sink, from_window, sink + i1 / LINES + 1u - from_window);
}
fn first_key(tiles: SeenTiles, step: u32) -> u32 {
  return select(tiles.from_window + step - tiles.sink, step, step < tiles.sink) * LINES;
}

/** The last query that sees any of keys j0..j1: without a window, or in the sink, every later one; else the `window` from its own on. */
fn last_query(j0: u32, j1: u32) -> u32 {
  return select(min(p.length - 1u, j1 + min(p.window - 1u, p.length)), p.length - 1u, j0 < p.sink);
}
