// Where each expert's segment begins, and what follows from it: counts [EXPERTS], and lists of (expert, first slot, end) for the
// products: p.tiles tiles of p.height slots within a segment, the segments themselves, p.chunks chunks of p.chunk slots within a
// segment. How many tiles and chunks there are is data: the rest have an expert that does not exist. Constants: EXPERTS.
struct Params { count: u32, blocks: u32, tiles: u32, height: u32, chunks: u32, chunk: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(2) var<storage, read_write> counts: array<u32>;
@group(0) @binding(3) var<storage, read_write> tiles: array<vec4u>;

var<workgroup> begins: array<u32, EXPERTS + 1>;

fn cut(number: u32, height: u32) -> vec4u {
  var first = 0u;
  for (var e = 0u; e < EXPERTS; e++) {
    let length = begins[e + 1u] - begins[e];
    let here = (length + height - 1u) / height;
    if (number < first + here) {
      let row = begins[e] + (number - first) * height;
      return vec4u(e, row, min(row + height, begins[e + 1u]), 0u);
    }
    first += here;
  }
  return vec4u(EXPERTS, 0u, 0u, 0u);
}

fn write_lists(local: u32) {
  for (var e = local; e < EXPERTS; e += 256u) {
    counts[e] = begins[e + 1u] - begins[e];
    tiles[p.tiles + e] = vec4u(e, begins[e], begins[e + 1u], 0u);
  }
  for (var i = local; i < p.tiles; i += 256u) { tiles[i] = cut(i, p.height); }
  for (var i = local; i < p.chunks; i += 256u) { tiles[p.tiles + EXPERTS + i] = cut(i, p.chunk); }
}
