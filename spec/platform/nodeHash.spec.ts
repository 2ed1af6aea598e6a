import { createHash } from 'node:crypto';
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { nodeHasher } from '../../src/platform/nodeHash.ts';

test.prop([fc.uint8Array({ maxLength: 500 }), fc.array(fc.nat(500), { maxLength: 5 })])(
  'in pieces or whole, it is SHA-256 in lower-case hex',
  (bytes, cuts) => {
    const hasher = nodeHasher();
    const ends = [...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
    for (const [i, end] of ends.entries()) hasher.update(bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
    const digest = hasher.digest();
    expect(digest).toBe(createHash('sha256').update(bytes).digest('hex'));
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
  },
);
