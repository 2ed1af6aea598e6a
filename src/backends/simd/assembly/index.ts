export { lanes, linear } from './linear';
export { rmsNorm, layerNorm } from './norm';
export { add, swiglu, geluTanh, geluErf } from './elementwise';
export { rope } from './rope';
export { attention } from './attention';
export { nllTile, nllReset } from './nll';
