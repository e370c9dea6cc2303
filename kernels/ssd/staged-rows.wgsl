// Sums along the rows of a tile: every invocation brings those over its four columns of its four rows; rows[to …] gets BM of them.
// They are passed on through workgroup memory that is free between products: those, and this, end with a barrier.
fn put_rows(value: vec4f, to: u32, own: vec2u) {
  pass_on(own.x * AY + own.y, value);
  workgroupBarrier();
  for (var row = own.y * BX + own.x; row < BM; row += THREADS) {
    var sum = 0.0;
    for (var x = 0u; x < BX; x++) { sum += passed(x * AY + row / 4u, row % 4u); }
    rows[to + row] = sum;
  }
  workgroupBarrier();
}
