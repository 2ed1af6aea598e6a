import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { referenceLimits } from './backendContract.ts';
import { gradientContract } from './gradients.ts';

gradientContract('reference', () => Promise.resolve(referenceBackend()), referenceLimits);
