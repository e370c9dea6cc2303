// partial[part, column] = the sum over the rows of that part of X[M, N], made final by `finished`: the first stage of a
// bias's gradient. Neighbouring invocations take neighbouring columns. `finished` comes from src/ops/linear.ts.
struct Params { m: u32, n: u32, ldx: u32, x0: u32, rows: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let column = group.x * 64u + local;
  if (column >= p.n) { return; }
  let end = min(p.m, (group.y + 1u) * p.rows);
  var row = group.y * p.rows;
  // Four sums keep four reads in flight.
  var a = 0.0; var b = 0.0; var c = 0.0; var d = 0.0;
  for (; row + 3u < end; row += 4u) {
    let at = p.x0 + row * p.ldx + column;
    a += x[at];
    b += x[at + p.ldx];
    c += x[at + 2u * p.ldx];
    d += x[at + 3u * p.ldx];
  }
  for (; row < end; row++) { a += x[p.x0 + row * p.ldx + column]; }
  partial[group.y * p.n + column] = finished((a + b) + (c + d));
}
