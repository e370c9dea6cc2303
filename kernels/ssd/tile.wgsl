// The shared part of the SSD kernels: a workgroup computes a BM × BN piece of a product, BK of the inner dimension at a time, through
// tile_a [BK][BM] and tile_b [BK][BN]; each invocation holds 4 × 4 results, as the four rows (columns of a mat4x4f) of four.
// src/ops/ssd.ts puts in front: Q tokens a chunk, P head dim, N state, H heads, G groups, BM, BN, BK; Q, P, N are multiples of the tiles.
const R = H / G;
const HP = H * P;
/** Columns of a row of xBC, and where B and C begin in it. */
const ROW = HP + 2u * G * N;
const B0 = HP;
const C0 = HP + G * N;
const AY = BM / 4u;
const BX = BN / 4u;
const THREADS = AY * BX;

var<workgroup> tile_a: array<vec4f, BK * AY>;
var<workgroup> tile_b: array<vec4f, BK * BX>;

fn multiply(start: mat4x4f, ty: u32, tx: u32) -> mat4x4f {
  var r0 = start[0]; var r1 = start[1]; var r2 = start[2]; var r3 = start[3];
  workgroupBarrier();
  for (var k = 0u; k < BK; k++) {
    let a = tile_a[k * AY + ty];
    let b = tile_b[k * BX + tx];
    r0 = fma(vec4f(a.x), b, r0);
    r1 = fma(vec4f(a.y), b, r1);
    r2 = fma(vec4f(a.z), b, r2);
    r3 = fma(vec4f(a.w), b, r3);
  }
  workgroupBarrier();
  return mat4x4f(r0, r1, r2, r3);
}

// Four lines with four inner elements each, as they lie in memory, put in place turned by 90 degrees.
fn turn_a(k: u32, line4: u32, block: mat4x4f) {
  let t = transpose(block);
  tile_a[k * AY + line4] = t[0];
  tile_a[(k + 1u) * AY + line4] = t[1];
  tile_a[(k + 2u) * AY + line4] = t[2];
  tile_a[(k + 3u) * AY + line4] = t[3];
}
fn turn_b(k: u32, line4: u32, block: mat4x4f) {
  let t = transpose(block);
  tile_b[k * BX + line4] = t[0];
  tile_b[(k + 1u) * BX + line4] = t[1];
  tile_b[(k + 2u) * BX + line4] = t[2];
  tile_b[(k + 3u) * BX + line4] = t[3];
}
