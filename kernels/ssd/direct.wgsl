// Products straight from memory, each invocation alone with its tile of 4 × 4 (BM = BN = 4): no barriers, which cost much in software.
fn product(start: mat4x4f, segment: u32, begin: u32, end: u32, tile: Tile, own: vec2u) -> mat4x4f {
  var r0 = start[0]; var r1 = start[1]; var r2 = start[2]; var r3 = start[3];
  for (var k = begin; k < end; k += 4u) {
    let a = a_block(segment, k, tile.row0, tile);
    let b = b_block(segment, k, tile.column0, tile);
    r0 += a[0].x * b[0] + a[1].x * b[1] + a[2].x * b[2] + a[3].x * b[3];
    r1 += a[0].y * b[0] + a[1].y * b[1] + a[2].y * b[2] + a[3].y * b[3];
    r2 += a[0].z * b[0] + a[1].z * b[1] + a[2].z * b[2] + a[3].z * b[3];
    r3 += a[0].w * b[0] + a[1].w * b[1] + a[2].w * b[2] + a[3].w * b[3];
  }
  return mat4x4f(r0, r1, r2, r3);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let item = (group.y * groups.x + group.x) * 64u + local;
  if (item >= TILES * HEADS * p.batch * p.chunks) { return; }
  run(tile_of(item % TILES, item / TILES % HEADS, item / (TILES * HEADS)), vec2u());
}
