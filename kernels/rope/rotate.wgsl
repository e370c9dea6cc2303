// Rotates the first ROTATED heads of every row in place: element i of a head with element i + TURNED / 2, by the angle of the row's
// position; elements from TURNED on stay. An invocation turns two neighbouring pairs.
// Constants: HEAD_DIM, TURNED (elements of a head that turn), ROTATED (heads), WIDTH (elements a row), INVERSE.
struct Params { rows: u32, length: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> x: array<vec2f>;
/** cos, sin of two neighbouring angles, [positions, TURNED / 4]. */
@group(0) @binding(2) var<storage, read> angles: array<vec4f>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let index = (group.y * groups.x + group.x) * 256u + local;
  let pair = index % (TURNED / 4u);
  let head = index / (TURNED / 4u) % ROTATED;
  let row = index / (TURNED / 4u * ROTATED);
  if (row >= p.rows) { return; }
  let angle = angles[row % p.length * (TURNED / 4u) + pair];
  let cosine = angle.xz;
  let sine = select(angle.yw, -angle.yw, INVERSE);
  let at = (row * WIDTH + head * HEAD_DIM) / 2u + pair;
  let a = x[at];
  let b = x[at + TURNED / 4u];
  x[at] = a * cosine - b * sine;
  x[at + TURNED / 4u] = b * cosine + a * sine;
}
