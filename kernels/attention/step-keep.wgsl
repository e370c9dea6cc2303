// Takes the new token of every sequence: rotates queries and keys in place at `position[0]`, and writes keys and values to the
// cache [B, capacity, kvHeads * HEAD_DIM] there. An invocation handles two neighbouring pairs (i, i + HEAD_DIM / 2) of a head.
// Constants: HEAD_DIM. `angle(at, pair)`, cos and sin of the two pairs' angles, is written by src/ops/attention-decode.ts.
struct Params { batch: u32, capacity: u32, heads: u32, kv_heads: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> position: array<u32>;
@group(0) @binding(2) var<storage, read_write> qkv: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> keys: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> values: array<vec2f>;

const PAIRS = HEAD_DIM / 4u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.y * groups.x + group.x) * 64u + local;
  let pair = index % PAIRS;
  let width = p.heads + 2u * p.kv_heads;
  let head = index / PAIRS % width;
  let row = index / PAIRS / width;
  let at = position[0];
  // Past the end of the cache nothing may be touched: the caller checks, since a kernel can't complain.
  if (row >= p.batch || at >= p.capacity) { return; }
  let source = index / PAIRS * 2u * PAIRS + pair;
  var a = qkv[source];
  var b = qkv[source + PAIRS];
  let to = (row * p.capacity + at) * p.kv_heads * 2u * PAIRS + pair;
  if (head >= p.heads + p.kv_heads) {
    let value = to + (head - p.heads - p.kv_heads) * 2u * PAIRS;
    values[value] = a;
    values[value + PAIRS] = b;
    return;
  }
  let turn = angle(at, pair);
  let turned = a * turn.xz - b * turn.yw;
  b = b * turn.xz + a * turn.yw;
  a = turned;
  if (head < p.heads) {
    qkv[source] = a;
    qkv[source + PAIRS] = b;
  } else {
    let key = to + (head - p.heads) * 2u * PAIRS;
    keys[key] = a;
    keys[key + PAIRS] = b;
  }
}
