/**
 * Rotates the pairs (i, i + D/2) of each head by its row's angle; cos and sin are [positions, D/2].
 */
export function rope(
  out: usize,
  x: usize,
  cos: usize,
  sin: usize,
  heads: i32,
  headDim: i32,
  seqLen: i32,
  start: i32,
  rowFrom: i32,
  rowTo: i32,
): void {
  const half = headDim >> 1;
  const halfBytes = (<usize>half) << 2;
  for (let row = rowFrom; row < rowTo; row++) {
    const angle = <usize>(start + (row % seqLen)) * halfBytes;
    for (let head = 0; head < heads; head++) {
      const at = <usize>(row * heads + head) * (halfBytes << 1);
      rotate(out + at, x + at, cos + angle, sin + angle, half, halfBytes);
    }
  }
}

function rotate(out: usize, x: usize, cos: usize, sin: usize, half: i32, halfBytes: usize): void {
  let i = 0;
  for (; i + 4 <= half; i += 4) {
    const at = (<usize>i) << 2;
    const c = v128.load(cos + at);
    const s = v128.load(sin + at);
    const a = v128.load(x + at);
    const b = v128.load(x + at + halfBytes);
    v128.store(out + at, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)));
    v128.store(out + at + halfBytes, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)));
  }
  for (; i < half; i++) {
    const at = (<usize>i) << 2;
    const c = load<f32>(cos + at);
    const s = load<f32>(sin + at);
    const a = load<f32>(x + at);
    const b = load<f32>(x + at + halfBytes);
    store<f32>(out + at, a * c - b * s);
    store<f32>(out + at + halfBytes, b * c + a * s);
  }
}
