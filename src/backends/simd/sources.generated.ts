// Made by `npm run build:kernels` from ./assembly. Do not edit.

/** SHA-256 of the sources that the kernels beside this file were compiled from. */
export const sourcesHash: string = '7f5063e0e8ae08c7dd395ac46dac7b738c313b06b95160c9626ab5ea96e1fa57';
