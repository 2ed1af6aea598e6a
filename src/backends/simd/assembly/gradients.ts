/** The kernels of training: those of inference, and the backward of each. */
export * from './index';
export { linearBackwardWeight, packCuts } from './linearBackward';
export { columnSums, addCuts } from './sums';
export { rmsNormBackward, layerNormBackward } from './normBackward';
export { ropeBackward } from './ropeBackward';
export { attentionBackward } from './attentionBackward';
export { swigluBackward, geluTanhBackward, geluErfBackward, scale } from './elementwiseBackward';
export { gatherRows, scatterRows, placeColumns } from './rows';
export { crossEntropy } from './crossEntropy';
