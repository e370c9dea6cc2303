// Products through workgroup memory (staging.wgsl), BK of the inner dimension at a time: tile_a is [BK][BM], tile_b [BK][BN]. The vectors of a
// row are shuffled by the number of their group of four rows, so that invocations that write the same line of different rows meet different memory banks.
const A_SHUFFLE = min(AY, 8u) - 1u;
const B_SHUFFLE = min(BX, 8u) - 1u;

var<workgroup> tile_a: array<vec4f, max(BK * AY, THREADS)>;
var<workgroup> tile_b: array<vec4f, BK * BX>;

fn put_a(k: u32, line: u32, block: mat4x4f) {
  let to = k * 4u * AY + (line ^ (k & A_SHUFFLE));
  tile_a[to] = block[0];
  tile_a[to + AY] = block[1];
  tile_a[to + 2u * AY] = block[2];
  tile_a[to + 3u * AY] = block[3];
}
fn put_b(k: u32, line: u32, block: mat4x4f) {
  let to = k * 4u * BX + (line ^ (k & B_SHUFFLE));
  tile_b[to] = block[0];
  tile_b[to + BX] = block[1];
  tile_b[to + 2u * BX] = block[2];
  tile_b[to + 3u * BX] = block[3];
}

fn product(start: mat4x4f, segment: u32, begin: u32, end: u32, tile: Tile, own: vec2u) -> mat4x4f {
  var r0 = start[0]; var r1 = start[1]; var r2 = start[2]; var r3 = start[3];
  for (var k0 = begin; k0 < end; k0 += BK) {
    stage(segment, k0, tile, own);
    workgroupBarrier();
    for (var four = 0u; four < BK / 4u; four++) {
      let y = own.y ^ (four & A_SHUFFLE);
      let x = own.x ^ (four & B_SHUFFLE);
      for (var k = four * 4u; k < four * 4u + 4u; k++) {
        let a = tile_a[k * AY + y];
        let b = tile_b[k * BX + x];
        r0 = fma(vec4f(a.x), b, r0);
        r1 = fma(vec4f(a.y), b, r1);
        r2 = fma(vec4f(a.z), b, r2);
        r3 = fma(vec4f(a.w), b, r3);
      }
    }
    workgroupBarrier();
  }
  return mat4x4f(r0, r1, r2, r3);
}

// Between products tile_a is free for put_rows.
fn pass_on(at: u32, value: vec4f) { tile_a[at] = value; }
fn passed(at: u32, r: u32) -> f32 { return tile_a[at][r]; }

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  run(tile_of(group.x, group.y, group.z), vec2u(local % BX, local / BX));
}
