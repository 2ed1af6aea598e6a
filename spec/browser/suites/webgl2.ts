import { gpuSuite } from './gpuSuite.ts';

gpuSuite('webgl2');
