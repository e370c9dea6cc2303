import {
  entry,
  held,
  passed,
  products,
  queryBlock,
  rowSum,
  takenBack,
  weighed,
  written,
} from "./attention-tensor-text.js";

/**
 * kernels/attention/forward.wgsl on tensor cores. The running maximum of a query would have to rescale its sums in every tile, and those are
 * in matrices: so weights are 2^(score - reference), with a reference that follows the maximum only when that is HEADROOM above it.
 * Weights stay below 2^HEADROOM, far inside f16, and sums go through workgroup memory to be rescaled only in the first tiles, if
 * ever. (Finding the maxima in a pass of their own would cost a third product in every tile, and two more barriers.)
 */
export const tensorForward = `
@group(0) @binding(1) var<storage, read> qkv: array<vec4u>;
@group(0) @binding(2) var<storage, read_write> o: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> log_sum: array<f32>;

const HEADROOM = 8.0;
/**
 * The last step, counted from one, in which a reference moved: the first of them. Matrices must begin at multiples of 16 bytes, and a driver (of
 * an H100) may put an array of 8-byte vectors right behind 4 bytes: so every variable here has whole 16.
 */
var<workgroup> moved: array<atomic<u32>, 4>;

fn fetch(which: u32, at: u32) -> vec4u { return qkv[at]; }

// Over the invocations that share a row.
fn row_maximum(mine: f32) -> f32 {
  var all = mine;
  for (var mask = 1u; mask < SHARERS; mask *= 2u) { all = max(all, subgroupShuffleXor(all, mask)); }
  return all;
}
${rowSum}
${entry}${queryBlock}
  if (local == 0u) { atomicStore(&moved[0], 0u); }
  let queries = Source(0u, start + i0 * width() + head * KEY_EIGHTS, width(), p.length - i0);
  var q: array<Left, DOWN * KEY_STEPS>;
${held("q", "KEY", "queries")}

  var sums = array<Result, DOWN * VALUE_BLOCKS>();
  var reference: array<f32, DOWN>;
  var keep: array<f32, DOWN>;
  var total: array<f32, DOWN>; // this invocation's part
  for (var r = 0u; r < DOWN; r++) { reference[r] = LOWEST; total[r] = 0.0; }
  let tiles = tiles_seen(i0, i1);
  // Keys of the next tile are put as soon as the scores are there, values only then too: one of each has room.
  let stage = 0u;
  put_keys(stage, fetch_keys(source_at(0u, keys_at, first_key(tiles, 0u)), local), local);
  workgroupBarrier();
  for (var step = 0u; step < tiles.count; step++) {
    let j0 = first_key(tiles, step);
    let more = step + 1u < tiles.count;
    let next_values = fetch_values(source_at(0u, values_at, j0), local);
    var next_keys: array<vec4u, KEY_TURNS>;
    if (more) { next_keys = fetch_keys(source_at(0u, keys_at, first_key(tiles, step + 1u)), local); }
${products("scores", "q", "KEY")}
    workgroupBarrier();

    put_values(stage, next_values, local);
    if (more) { put_keys(stage, next_keys, local); }
    let all = all_seen(i0, i1, j0, j0 + LINES - 1u);
    for (var r = 0u; r < DOWN; r++) {
      let at = (own_row + r * M) * ROW_STRIDE + sharer;
      var mine: array<vec4f, QUADS>;
      var highest = HIDDEN;
      for (var n = 0u; n < QUADS; n++) {
        mine[n] = scores[at + n * SHARERS] * SCALE2;
        if (!all) {
          mine[n] = masked(mine[n], vec4u(i0 + own_row + r * M), vec4u(j0 + 4u * (n * SHARERS + sharer)) + vec4u(0u, 1u, 2u, 3u));
        }
        highest = max(highest, max(max(mine[n].x, mine[n].y), max(mine[n].z, mine[n].w)));
      }
      highest = row_maximum(highest);
      keep[r] = 1.0;
      if (highest > reference[r] + HEADROOM) {
        keep[r] = exp2(reference[r] - highest);
        reference[r] = highest;
        atomicMax(&moved[0], step + 1u);
      }
      var sum = vec4f();
      for (var n = 0u; n < QUADS; n++) {
        let weight = exp2(mine[n] - reference[r]);
        sum += weight;
        weights[at + n * SHARERS] = vec4<f16>(weight);
      }
      total[r] = total[r] * keep[r] + dot(sum, vec4f(1.0));
    }
    // A barrier too. In the first tile there are no sums yet.
    if (workgroupUniformLoad(&moved[0]) == step + 1u && step > 0u) {${passed(
      "sums",
      "VALUE",
      `
      for (var quad = sharer; quad < VALUE_CHUNK / 4u; quad += SHARERS) { scores[(own_row + r * M) * ROW_STRIDE + quad] *= keep[r]; }`,
      takenBack("sums", "VALUE"),
    )}
    }
${weighed("sums", "weights", "VALUE")}
  }

  for (var r = 0u; r < DOWN; r++) {
    total[r] = row_sum(total[r]);
    let i = i0 + own_row + r * M;
    if (i < p.length && sharer == 0u) { log_sum[statistics + i] = reference[r] + log2(total[r]); }
  }
${passed(
  "sums",
  "VALUE",
  written(
    "VALUE",
    "o",
    "i0",
    (row) => `((sequence * p.length + ${row}) * p.heads + head) * VALUE_EIGHTS`,
    "1.0 / total[r]",
  ),
)}
}
`;
