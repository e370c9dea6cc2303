// Where the forward pass finds keys and values: in the rows of qkv that hold the queries (training, a prompt).
/** The position of the first query. */
fn first_position() -> u32 { return 0u; }
/** Keys there are. */
fn key_count() -> u32 { return p.length; }
fn key_row(sequence: u32, kv_head: u32, j: u32) -> u32 { return (sequence * p.length + j) * width() + key_at(kv_head); }
fn value_row(sequence: u32, kv_head: u32, j: u32) -> u32 { return (sequence * p.length + j) * width() + value_at(kv_head); }
fn key_stride() -> u32 { return width(); }
fn value_stride() -> u32 { return width(); }
fn key_quad(at: u32) -> vec4f { return qkv[at]; }
fn value_quad(at: u32) -> vec4f { return qkv[at]; }
