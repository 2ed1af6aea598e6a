/**
 * What an op reads and writes: f32 in every model that runs, f64 where derivatives are checked
 * against differences.
 */
export type Floats = Float32Array | Float64Array;
