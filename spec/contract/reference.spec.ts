import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { backendContract, referenceLimits } from './backendContract.ts';

backendContract('reference', () => Promise.resolve(referenceBackend()), referenceLimits);
