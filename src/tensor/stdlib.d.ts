/**
 * Types of the few @stdlib entry points we use. The package ships CommonJS folders without an
 * `exports` map, so an ES module must name the file, and the file has no declaration beside it.
 */
declare module '@stdlib/ndarray/base/numel/lib/index.js' {
  export default function numel(shape: ArrayLike<number>): number;
}
declare module '@stdlib/ndarray/base/shape2strides/lib/index.js' {
  export default function shape2strides(shape: ArrayLike<number>, order: 'row-major' | 'column-major'): number[];
}
declare module '@stdlib/ndarray/ctor/lib/index.js' {
  export default class ndarray {
    constructor(
      dtype: string,
      buffer: ArrayLike<number>,
      shape: ArrayLike<number>,
      strides: ArrayLike<number>,
      offset: number,
      order: 'row-major' | 'column-major',
    );
    readonly data: Float32Array;
    readonly dtype: string;
    readonly shape: readonly number[];
    readonly strides: readonly number[];
    readonly offset: number;
    readonly order: 'row-major' | 'column-major';
    get(...indices: number[]): number;
    set(...args: number[]): this;
  }
}
