// into[j] (+)= the sum over i of partial[i, j]. A workgroup takes COLUMNS columns; each of its SLICES adds every SLICES-th
// part, and the first then adds the slices: always in the same order. Constants: COLUMNS, SLICES, ACCUMULATE.
struct Params { parts: u32, width: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> into: array<f32>;

var<workgroup> sums: array<f32, COLUMNS * SLICES>;

@compute @workgroup_size(COLUMNS * SLICES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let column = (group.y * groups.x + group.x) * COLUMNS + local % COLUMNS;
  let slice = local / COLUMNS;
  // Four sums at a time keep four reads in flight.
  var sum = vec4f();
  if (column < p.width) {
    var i = slice;
    for (; i + 3u * SLICES < p.parts; i += 4u * SLICES) {
      sum += vec4f(
        partial[i * p.width + column],
        partial[(i + SLICES) * p.width + column],
        partial[(i + 2u * SLICES) * p.width + column],
        partial[(i + 3u * SLICES) * p.width + column]);
    }
    for (; i < p.parts; i += SLICES) { sum.x += partial[i * p.width + column]; }
  }
  var result = dot(sum, vec4f(1.0));
  if (SLICES > 1u) {
    sums[local] = result;
    workgroupBarrier();
    if (slice > 0u) { return; }
    for (var other = 1u; other < SLICES; other++) { result += sums[other * COLUMNS + column % COLUMNS]; }
  }
  if (column >= p.width) { return; }
  if (ACCUMULATE) { into[column] += result; } else { into[column] = result; }
}
