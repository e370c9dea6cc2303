// Takes the new tokens of every sequence, the first of which is at `position[0]`: rotates queries in place, and writes rotated keys, and
// values, to the caches [B, capacity, kvHeads * HEAD_DIM] and [B, capacity, valueHeads * VALUE_DIM] at their positions. An invocation
// handles four elements: two neighbouring pairs (i, i + TURNED / 2) of the part of a head that turns, or four neighbours that don't.
// Constants: HEAD_DIM, VALUE_DIM, TURNED. `angle(at, pair)`, cos and sin of the two pairs' angles, is written by
// src/ops/attention-decode.ts.
struct Params { rows: u32, length: u32, capacity: u32, heads: u32, kv_heads: u32, value_heads: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> position: array<u32>;
@group(0) @binding(2) var<storage, read_write> qkv: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> keys: array<vec2f>;
@group(0) @binding(4) var<storage, read_write> values: array<vec2f>;

const QUADS = HEAD_DIM / 4u;
const VALUE_QUADS = VALUE_DIM / 4u;
const PAIRS = TURNED / 4u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.y * groups.x + group.x) * 64u + local;
  let turned = (p.heads + p.kv_heads) * QUADS;
  let width = turned + p.value_heads * VALUE_QUADS;
  let item = index % width;
  let row = index / width;
  let at = position[0] + row % p.length;
  // Past the end of the cache nothing may be touched: the caller checks, since a kernel can't complain.
  if (row >= p.rows || at >= p.capacity) { return; }
  let cached = row / p.length * p.capacity + at;
  if (item >= turned) {
    let value = (cached * p.value_heads * VALUE_QUADS + item - turned) * 2u;
    values[value] = qkv[index * 2u];
    values[value + 1u] = qkv[index * 2u + 1u];
    return;
  }
  let head = item / QUADS;
  let pair = item % QUADS;
  let turns = pair < PAIRS;
  let first = select(2u * pair, pair, turns);
  let second = first + select(1u, PAIRS, turns);
  let source = (index - pair) * 2u;
  var a = qkv[source + first];
  var b = qkv[source + second];
  if (turns) {
    let turn = angle(at, pair);
    let turned_a = a * turn.xz - b * turn.yw;
    b = b * turn.xz + a * turn.yw;
    a = turned_a;
  }
  if (head < p.heads) {
    qkv[source + first] = a;
    qkv[source + second] = b;
  } else {
    let key = (cached * p.kv_heads + head - p.heads) * QUADS * 2u;
    keys[key + first] = a;
    keys[key + second] = b;
  }
}
