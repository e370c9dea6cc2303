// dw[e] (+)= the sum of the partial products of expert e's chunks, in order; zeros where it has none.
// Constants: EXPERTS, UNITS (V's of one dw[e]), ACCUMULATE.
struct Params { first: u32, chunk: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> partial: array<V>;
@group(0) @binding(2) var<storage, read> tiles: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> dw: array<V>;

fn chunks_of(e: u32) -> u32 {
  let segment = tiles[p.first + e];
  return (segment.z - segment.y + p.chunk - 1u) / p.chunk;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  let expert = i / UNITS;
  if (expert >= EXPERTS) { return; }
  var first = 0u;
  for (var e = 0u; e < expert; e++) { first += chunks_of(e); }
  let end = first + chunks_of(expert);
  var sum = V();
  for (var at = first; at < end; at++) { sum += partial[at * UNITS + i % UNITS]; }
  if (ACCUMULATE) { dw[i] += sum; } else { dw[i] = sum; }
}
