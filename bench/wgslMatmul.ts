/**
 * Matrix products as WGSL by hand, on arrays laid out as the GPU backend's `linear` has them: x [rows, k], packed
 * [k + 1, n] with the bias as its last row → out [rows, n]. Bindings 0 … 3: sizes (rows, k, n, 0), x, packed, out. n and k are
 * multiples of 4. Each output is one f32 sum over k in order.
 */

export interface MatmulShader {
  name: string;
  code: string;
  /** Outputs of a workgroup: rows and columns. */
  covers: readonly [rows: number, columns: number];
}

const head = (element: 'f32' | 'vec4f'): string => `
@group(0) @binding(0) var<uniform> size : vec4u;
@group(0) @binding(1) var<storage, read> x : array<f32>;
@group(0) @binding(2) var<storage, read> packed : array<${element}>;
@group(0) @binding(3) var<storage, read_write> out : array<${element}>;
`;

/** What gpu.js's one-column kernel does: a thread reads two numbers for each product. */
export const oneColumn: MatmulShader = {
  name: 'WGSL, one column a thread',
  covers: [8, 8],
  code: `${head('f32')}
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) at : vec3u) {
  let k = size.y;
  let n = size.z;
  if (at.x >= n || at.y >= size.x) { return; }
  var sum = 0.0;
  for (var i = 0u; i < k; i++) { sum += x[at.y * k + i] * packed[i * n + at.x]; }
  out[at.y * n + at.x] = sum + packed[k * n + at.x];
}`,
};

/** What gpu.js's four-column kernel does, with loads of four numbers, which it has not. */
export const fourColumns: MatmulShader = {
  name: 'WGSL, four columns a thread',
  covers: [8, 32],
  code: `${head('vec4f')}
@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) at : vec3u) {
  let k = size.y;
  let n = size.z / 4u;
  if (at.x >= n || at.y >= size.x) { return; }
  var sum = vec4f();
  for (var i = 0u; i < k; i++) { sum += x[at.y * k + i] * packed[i * n + at.x]; }
  out[at.y * n + at.x] = sum + packed[k * n + at.x];
}`,
};

/** Depth of the slices that a workgroup keeps in its memory. */
const DEPTH = 16;

/**
 * A workgroup of 16 × 16 threads computes a square of outputs, `side` × `side` of them a thread. It goes along k in slices,
 * which it first copies into workgroup memory, so that a number is read from global memory once for 16 · side outputs;
 * the sums stay in registers: 2 · side loads serve side² products.
 */
export function tiled(side: 4 | 8): MatmulShader {
  const tile = 16 * side;
  const vectors = side / 4;
  const rows = range(side);
  const columns = range(vectors);
  const each = (text: (row: number, column: number) => string): string =>
    rows.flatMap((row) => columns.map((column) => text(row, column))).join('\n');
  return {
    name: `WGSL, tiles of ${tile}×${tile}, ${side}×${side} a thread`,
    covers: [tile, tile],
    code: `${head('vec4f')}
var<workgroup> xs : array<f32, ${DEPTH * tile}>;
var<workgroup> ws : array<vec4f, ${(DEPTH * tile) / 4}>;
@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) group : vec3u,
  @builtin(local_invocation_id) local : vec3u,
  @builtin(local_invocation_index) thread : u32,
) {
  let rows = size.x;
  let k = size.y;
  let n = size.z / 4u;
  let firstRow = group.y * ${tile}u;
  let firstColumn = group.x * ${tile / 4}u;
${each((row, column) => `  var sum${row}${column} = vec4f();`)}
  for (var start = 0u; start < k; start += ${DEPTH}u) {
    for (var i = thread; i < ${DEPTH * tile}u; i += 256u) {
      let row = firstRow + i / ${DEPTH}u;
      let at = start + i % ${DEPTH}u;
      var value = 0.0;
      if (row < rows && at < k) { value = x[row * k + at]; }
      xs[(i % ${DEPTH}u) * ${tile}u + i / ${DEPTH}u] = value;
    }
    for (var i = thread; i < ${(DEPTH * tile) / 4}u; i += 256u) {
      let at = start + i / ${tile / 4}u;
      let column = firstColumn + i % ${tile / 4}u;
      var value = vec4f();
      if (at < k && column < n) { value = packed[at * n + column]; }
      ws[i] = value;
    }
    workgroupBarrier();
    for (var i = 0u; i < ${DEPTH}u; i++) {
${columns.map((column) => `      let w${column} = ws[i * ${tile / 4}u + ${16 * column}u + local.x];`).join('\n')}
${rows.map((row) => `      let x${row} = xs[i * ${tile}u + local.y * ${side}u + ${row}u];`).join('\n')}
${each((row, column) => `      sum${row}${column} += x${row} * w${column};`)}
    }
    workgroupBarrier();
  }
${each((row, column) => store(row, column, side))}
}`,
  };
}

function store(row: number, column: number, side: number): string {
  const [y, x] = [`firstRow + local.y * ${side}u + ${row}u`, `firstColumn + ${16 * column}u + local.x`];
  return `  if (${y} < rows && ${x} < n) { out[(${y}) * n + ${x}] = sum${row}${column} + packed[k * n + ${x}]; }`;
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index);
}
