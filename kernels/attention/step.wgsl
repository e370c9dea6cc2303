// The new queries of every sequence, the first at `position[0]`, against the cache: workgroup (head of a query's row, part) weighs its
// part of the keys the query sees, 64 at a time. Each invocation first scores one key; then 64 / VALUE_QUADS groups of VALUE_QUADS
// invocations add up every so-many-th value. With one part that is the result; else `found` is [rows * heads, parts, VALUE_DIM] for
// attention/step-join, with each part's running maximum and sum in `scales`. Constants: HEAD_DIM, VALUE_DIM, SCALE.
struct Params {
  rows: u32, length: u32, capacity: u32, heads: u32, kv_heads: u32, value_heads: u32, window: u32, sink: u32, parts: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> position: array<u32>;
@group(0) @binding(2) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(3) var<storage, read> keys: array<vec4f>;
@group(0) @binding(4) var<storage, read> values: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> found: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> scales: array<vec2f>;

const QUADS = HEAD_DIM / 4u;
const VALUE_QUADS = VALUE_DIM / 4u;
const GROUPS = 64u / VALUE_QUADS;
const HIDDEN = -1e30;
const LOWEST = -1e29;

var<workgroup> query: array<vec4f, QUADS>;
var<workgroup> scores: array<f32, 64>;
var<workgroup> sums: array<vec4f, 64>;
var<workgroup> totals: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.y * groups.x + group.x;
  if (index >= p.rows * p.heads * p.parts) { return; }
  let part = index % p.parts;
  let head = index / p.parts % p.heads;
  let row = index / p.parts / p.heads;
  let sequence = row / p.length;
  let kv_head = head / (p.heads / p.kv_heads);
  let key_stride = p.kv_heads * QUADS;
  let value_stride = p.value_heads * VALUE_QUADS;
  let first_key = sequence * p.capacity * key_stride + kv_head * QUADS;
  let first_value = sequence * p.capacity * value_stride + kv_head % p.value_heads * VALUE_QUADS;
  if (local < QUADS) {
    let width = (p.heads + p.kv_heads) * QUADS + value_stride;
    query[local] = qkv[row * width + head * QUADS + local] * (SCALE * 1.4426950408889634);
  }
  // Keys seen: those of the sink before the window, then the window.
  let length = min(position[0] + row % p.length + 1u, p.capacity);
  let window = select(0u, length - p.window, length > p.window);
  let sink = min(p.sink, window);
  let seen = sink + length - window;
  let each = max(64u, (seen + p.parts - 1u) / p.parts);
  let end = min(seen, (part + 1u) * each);

  let quad = local % VALUE_QUADS;
  let mine = local / VALUE_QUADS;
  var sum = vec4f();
  var total = 0.0;
  var highest = LOWEST;
  for (var n0 = part * each; n0 < end; n0 += 64u) {
    workgroupBarrier();
    var score = HIDDEN;
    if (n0 + local < end) {
      let n = n0 + local;
      let source = first_key + select(window + n - sink, n, n < sink) * key_stride;
      var product = vec4f();
      for (var k = 0u; k < QUADS; k++) { product += query[k] * keys[source + k]; }
      score = product.x + product.y + product.z + product.w;
    }
    scores[local] = score;
    workgroupBarrier();
    var now = highest;
    for (var k = 0u; k < 64u; k++) { now = max(now, scores[k]); }
    let keep = exp2(highest - now);
    highest = now;
    sum *= keep;
    total *= keep;
    if (mine < GROUPS) {
      for (var k = mine; k < min(64u, end - n0); k += GROUPS) {
        let n = n0 + k;
        let weight = exp2(scores[k] - now);
        sum += weight * values[first_value + select(window + n - sink, n, n < sink) * value_stride + quad];
        total += weight;
      }
    }
  }
  sums[local] = sum;
  totals[local] = total;
  workgroupBarrier();
  if (local >= VALUE_QUADS) { return; }
  for (var other = 1u; other < GROUPS; other++) {
    sum += sums[other * VALUE_QUADS + local];
    total += totals[other * VALUE_QUADS + local];
  }
  if (p.parts == 1u) { sum /= total; }
  found[index * VALUE_QUADS + local] = sum;
  if (local == 0u) { scales[index] = vec2f(highest, total); }
}
