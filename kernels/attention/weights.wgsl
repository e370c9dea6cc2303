// weights[b, h, i, j] = softmax over the keys j that query i sees of SCALE · q · k; zero for the others. For looking at, not for
// speed: one workgroup a query of a head, which leaves scores in `weights` first. Constants: HEAD_DIM, VALUE_DIM, SCALE.
struct Params { batch: u32, length: u32, heads: u32, kv_heads: u32, value_heads: u32, window: u32, sink: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> qkv: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;

const QUADS = HEAD_DIM / 4u;
const LOWEST = -1e29;

var<workgroup> shared_values: array<f32, 64>;

fn seen(i: u32, j: u32) -> bool { return j <= i && (i - j < p.window || j < p.sink); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = group.y * groups.x + group.x;
  if (index >= p.batch * p.heads * p.length) { return; }
  let i = index % p.length;
  let head = index / p.length % p.heads;
  let row = index / p.length / p.heads * p.length;
  let width = (p.heads + p.kv_heads) * QUADS + p.value_heads * (VALUE_DIM / 4u);
  let query = (row + i) * width + head * QUADS;
  let keys = row * width + (p.heads + head / (p.heads / p.kv_heads)) * QUADS;
  let to = index * p.length;

  var highest = LOWEST;
  for (var j = local; j < p.length; j += 64u) {
    if (!seen(i, j)) { continue; }
    var score = 0.0;
    for (var k = 0u; k < QUADS; k++) { score += dot(qkv[query + k], qkv[keys + j * width + k]); }
    score *= SCALE;
    weights[to + j] = score;
    highest = max(highest, score);
  }
  shared_values[local] = highest;
  workgroupBarrier();
  for (var k = 0u; k < 64u; k++) { highest = max(highest, shared_values[k]); }
  workgroupBarrier();

  var mine = 0.0;
  for (var j = local; j < p.length; j += 64u) {
    if (seen(i, j)) { mine += exp(weights[to + j] - highest); }
  }
  shared_values[local] = mine;
  workgroupBarrier();
  var total = 0.0;
  for (var k = 0u; k < 64u; k++) { total += shared_values[k]; }

  for (var j = local; j < p.length; j += 64u) {
    if (seen(i, j)) { weights[to + j] = exp(weights[to + j] - highest) / total; } else { weights[to + j] = 0.0; }
  }
}
