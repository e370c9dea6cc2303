// scored = [n, 1 / n, loss_scale() / n] with n the number of targets that are scored (0 for the others where none is).
struct Params { rows: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> targets: array<u32>;
@group(0) @binding(2) var<storage, read_write> scored: array<f32>;

var<workgroup> counts: array<u32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) local: u32) {
  var count = 0u;
  for (var i = local; i < p.rows; i += 256u) { count += u32(targets[i] != 0xffffffffu); }
  counts[local] = count;
  workgroupBarrier();
  if (local > 0u) { return; }
  for (var i = 1u; i < 256u; i++) { count += counts[i]; }
  scored[0] = f32(count);
  scored[1] = select(0.0, 1.0 / f32(max(count, 1u)), count > 0u);
  scored[2] = loss_scale() * scored[1];
}
