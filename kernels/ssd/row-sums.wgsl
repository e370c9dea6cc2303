// Sums along the rows of a tile: every invocation brings the sums over its four columns of its four rows.
var<workgroup> sums: array<vec4f, THREADS>;

fn share_rows(value: vec4f, ty: u32, tx: u32) {
  workgroupBarrier();
  sums[tx * AY + ty] = value;
  workgroupBarrier();
}

fn row_sum(row: u32) -> f32 {
  var sum = 0.0;
  for (var x = 0u; x < BX; x++) { sum += sums[x * AY + row / 4u][row % 4u]; }
  return sum;
}
