// Where the forward pass finds keys and values: in the caches [B, capacity, kvHeads * HEAD_DIM] and [B, capacity, valueHeads * VALUE_DIM],
// which attention/step-keep has filled up to the last of the new tokens; the first of them is at `position[0]`.
@group(0) @binding(4) var<storage, read> position: array<u32>;
@group(0) @binding(5) var<storage, read> keys_kept: array<vec4f>;
@group(0) @binding(6) var<storage, read> values_kept: array<vec4f>;

/** The position of the first query. */
fn first_position() -> u32 { return position[0]; }
/** Keys there are. */
fn key_count() -> u32 { return min(position[0] + p.length, p.capacity); }
fn key_row(sequence: u32, kv_head: u32, j: u32) -> u32 { return ((sequence * p.capacity + j) * p.kv_heads + kv_head) * QUADS; }
fn value_row(sequence: u32, kv_head: u32, j: u32) -> u32 {
  return ((sequence * p.capacity + j) * p.value_heads + kv_head % p.value_heads) * VALUE_QUADS;
}
fn key_stride() -> u32 { return p.kv_heads * QUADS; }
fn value_stride() -> u32 { return p.value_heads * VALUE_QUADS; }
fn key_quad(at: u32) -> vec4f { return keys_kept[at]; }
fn value_quad(at: u32) -> vec4f { return values_kept[at]; }
