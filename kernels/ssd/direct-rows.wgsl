// An invocation's tile is four columns wide: its sums along the rows are whole.
fn put_rows(value: vec4f, to: u32, own: vec2u) {
  rows[to] = value.x;
  rows[to + 1u] = value.y;
  rows[to + 2u] = value.z;
  rows[to + 3u] = value.w;
}
