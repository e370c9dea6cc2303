// One query a sequence against the cache: workgroup (head of a sequence, part) weighs its part of the keys seen from `position[0]`,
// 64 at a time. Each invocation first scores one key; then 64 / QUADS groups of QUADS invocations add up every so-many-th value.
// With one part that is the result; else `found` is [B * heads, parts, HEAD_DIM] for attention/step-join, with each part's
// running maximum and sum in `scales`. Constants: HEAD_DIM, SCALE.
struct Params { batch: u32, capacity: u32, heads: u32, kv_heads: u32, window: u32, sink: u32, parts: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> position: array<u32>;
@group(0) @binding(2) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(3) var<storage, read> keys: array<vec4f>;
@group(0) @binding(4) var<storage, read> values: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> found: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> scales: array<vec2f>;

const QUADS = HEAD_DIM / 4u;
const GROUPS = 64u / QUADS;
const HIDDEN = -1e30;
const LOWEST = -1e29;

var<workgroup> query: array<vec4f, QUADS>;
var<workgroup> scores: array<f32, 64>;
var<workgroup> sums: array<vec4f, 64>;
var<workgroup> totals: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.y * groups.x + group.x;
  if (index >= p.batch * p.heads * p.parts) { return; }
  let part = index % p.parts;
  let head = index / p.parts % p.heads;
  let sequence = index / p.parts / p.heads;
  let row = p.kv_heads * QUADS;
  let first_row = sequence * p.capacity * row + head / (p.heads / p.kv_heads) * QUADS;
  if (local < QUADS) {
    query[local] = qkv[(sequence * (p.heads + 2u * p.kv_heads) + head) * QUADS + local] * (SCALE * 1.4426950408889634);
  }
  // Keys seen: those of the sink before the window, then the window.
  let length = min(position[0] + 1u, p.capacity);
  let window = select(0u, length - p.window, length > p.window);
  let sink = min(p.sink, window);
  let seen = sink + length - window;
  let each = max(64u, (seen + p.parts - 1u) / p.parts);
  let end = min(seen, (part + 1u) * each);

  let quad = local % QUADS;
  let mine = local / QUADS;
  var sum = vec4f();
  var total = 0.0;
  var highest = LOWEST;
  for (var n0 = part * each; n0 < end; n0 += 64u) {
    workgroupBarrier();
    var score = HIDDEN;
    if (n0 + local < end) {
      let n = n0 + local;
      let source = first_row + select(window + n - sink, n, n < sink) * row;
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
        sum += weight * values[first_row + select(window + n - sink, n, n < sink) * row + quad];
        total += weight;
      }
    }
  }
  sums[local] = sum;
  totals[local] = total;
  workgroupBarrier();
  if (local >= QUADS) { return; }
  for (var other = 1u; other < GROUPS; other++) {
    sum += sums[other * QUADS + local];
    total += totals[other * QUADS + local];
  }
  if (p.parts == 1u) { sum /= total; }
  found[index * QUADS + local] = sum;
  if (local == 0u) { scales[index] = vec2f(highest, total); }
}
