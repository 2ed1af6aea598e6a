import { fc } from '@fast-check/vitest';

// That a property fails is enough; a smaller counterexample costs time.
fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });
