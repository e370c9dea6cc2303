// partial[s] = `scaled` (from src/ops/embedding.ts) of the sum of the rows of dy that segment s lists: rows
// order[segments[s]] … order[segments[s + 1] - 1], all of one id. How many segments there are is data: first[VOCAB].
// Constants: UNITS (V's a row), VOCAB.
@group(0) @binding(1) var<storage, read> dy: array<V>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
@group(0) @binding(3) var<storage, read> segments: array<u32>;
@group(0) @binding(4) var<storage, read> first: array<u32>;
@group(0) @binding(5) var<storage, read_write> partial: array<V>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = (group.y * groups.x + group.x) * 256u + local;
  let segment = i / UNITS;
  if (segment >= first[VOCAB]) { return; }
  let j = i % UNITS;
  let end = segments[segment + 1u];
  var k = segments[segment];
  // Four sums keep four reads in flight.
  var a = V(); var b = V(); var c = V(); var d = V();
  for (; k + 3u < end; k += 4u) {
    a += dy[order[k] * UNITS + j];
    b += dy[order[k + 1u] * UNITS + j];
    c += dy[order[k + 2u] * UNITS + j];
    d += dy[order[k + 3u] * UNITS + j];
  }
  for (; k < end; k++) { a += dy[order[k] * UNITS + j]; }
  partial[i] = scaled((a + b) + (c + d));
}
