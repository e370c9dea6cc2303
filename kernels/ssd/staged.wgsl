// Products through workgroup memory, BK of the inner dimension at a time: tile_a is [BK][BM], tile_b [BK][BN].
const AY = BM / 4u;
const BX = BN / 4u;
const THREADS = AY * BX;

var<workgroup> tile_a: array<vec4f, BK * AY>;
var<workgroup> tile_b: array<vec4f, BK * BX>;

fn product(start: mat4x4f, segment: u32, begin: u32, end: u32, tile: Tile, own: vec2u) -> mat4x4f {
  var r0 = start[0]; var r1 = start[1]; var r2 = start[2]; var r3 = start[3];
  let local = own.y * BX + own.x;
  for (var k0 = begin; k0 < end; k0 += BK) {
    // Neighbouring invocations read what lies side by side in memory.
    for (var i = local; i < BK / 4u * AY; i += THREADS) {
      var k = i / AY;
      var line = i % AY;
      if (a_along_inner(segment)) {
        k = i % (BK / 4u);
        line = i / (BK / 4u);
      }
      let block = a_block(segment, k0 + k * 4u, tile.row0 + line * 4u, tile);
      let to = k * 4u * AY + line;
      tile_a[to] = block[0];
      tile_a[to + AY] = block[1];
      tile_a[to + 2u * AY] = block[2];
      tile_a[to + 3u * AY] = block[3];
    }
    for (var i = local; i < BK / 4u * BX; i += THREADS) {
      var k = i / BX;
      var line = i % BX;
      if (b_along_inner(segment)) {
        k = i % (BK / 4u);
        line = i / (BK / 4u);
      }
      let block = b_block(segment, k0 + k * 4u, tile.column0 + line * 4u, tile);
      let to = k * 4u * BX + line;
      tile_b[to] = block[0];
      tile_b[to + BX] = block[1];
      tile_b[to + 2u * BX] = block[2];
      tile_b[to + 3u * BX] = block[3];
    }
    workgroupBarrier();
    for (var k = 0u; k < BK; k++) {
      let a = tile_a[k * AY + own.y];
      let b = tile_b[k * BX + own.x];
      r0 = fma(vec4f(a.x), b, r0);
      r1 = fma(vec4f(a.y), b, r1);
      r2 = fma(vec4f(a.z), b, r2);
      r3 = fma(vec4f(a.w), b, r3);
    }
    workgroupBarrier();
  }
  return mat4x4f(r0, r1, r2, r3);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  run(tile_of(group.x, group.y, group.z), vec2u(local % BX, local / BX));
}
