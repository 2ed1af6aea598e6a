/** Types of the @stdlib entry points that only specs use; see src/tensor/stdlib.d.ts. */
declare module '@stdlib/ndarray/base/numel/lib/index.js' {
  export default function numel(shape: ArrayLike<number>): number;
}
declare module '@stdlib/ndarray/base/shape2strides/lib/index.js' {
  export default function shape2strides(shape: ArrayLike<number>, order: 'row-major' | 'column-major'): number[];
}
declare module '@stdlib/blas/base/dgemm/lib/index.js' {
  /**
   * C = alpha · op(A) op(B) + beta · C in f64, in place; returns C. Dimensions: op(A) [M, K], op(B)
   * [K, N].
   */
  export default function dgemm(
    order: 'row-major' | 'column-major',
    transA: 'no-transpose' | 'transpose',
    transB: 'no-transpose' | 'transpose',
    M: number,
    N: number,
    K: number,
    alpha: number,
    A: Float64Array,
    LDA: number,
    B: Float64Array,
    LDB: number,
    beta: number,
    C: Float64Array,
    LDC: number,
  ): Float64Array;
}
declare module '@stdlib/blas/base/sgemm/lib/index.js' {
  /** The same in f32. */
  export default function sgemm(
    order: 'row-major' | 'column-major',
    transA: 'no-transpose' | 'transpose',
    transB: 'no-transpose' | 'transpose',
    M: number,
    N: number,
    K: number,
    alpha: number,
    A: Float32Array,
    LDA: number,
    B: Float32Array,
    LDB: number,
    beta: number,
    C: Float32Array,
    LDC: number,
  ): Float32Array;
}
