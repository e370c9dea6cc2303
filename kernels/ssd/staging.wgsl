// How pieces of both operands of a product get into workgroup memory: what staged.wgsl and src/ops/ssd-tensor.ts share. They say
// where a piece goes (`put_a`, `put_b`: four inner elements from 4 k on, by four lines from 4 line on).
const AY = BM / 4u;
const BX = BN / 4u;
const THREADS = AY * BX;
const A_BLOCKS = BK / 4u * AY;
const B_BLOCKS = BK / 4u * BX;

/** (k, line) of piece i, in fours: neighbouring invocations read what lies side by side in memory. */
fn place(i: u32, lines: u32, along_inner: bool) -> vec2u {
  if (along_inner) { return vec2u(i % (BK / 4u), i / (BK / 4u)); }
  return vec2u(i / lines, i % lines);
}

fn stage(segment: u32, k0: u32, tile: Tile, own: vec2u) {
  for (var i = own.y * BX + own.x; i < A_BLOCKS + B_BLOCKS; i += THREADS) {
    if (i < A_BLOCKS) {
      let at = place(i, AY, a_along_inner(segment));
      put_a(at.x, at.y, a_block(segment, k0 + at.x * 4u, tile.row0 + at.y * 4u, tile));
    } else {
      let at = place(i - A_BLOCKS, BX, b_along_inner(segment));
      put_b(at.x, at.y, b_block(segment, k0 + at.x * 4u, tile.column0 + at.y * 4u, tile));
    }
  }
}
