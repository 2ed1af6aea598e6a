import { gpuSuite } from './gpuSuite.ts';

gpuSuite('webgpu');
