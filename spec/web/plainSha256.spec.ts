import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { nodeHasher } from '../../src/platform/nodeHash.ts';
import { plainSha256 } from '../../src/web/plainSha256.ts';

const pieces = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 6 });

test.prop([pieces])('gives what node:crypto gives, however the bytes come in pieces', (bytes) => {
  const [ours, theirs] = [plainSha256(), nodeHasher()];
  for (const piece of bytes) {
    ours.update(piece);
    theirs.update(piece);
  }
  expect(ours.digest()).toBe(theirs.digest());
});

it('pads messages of every length of two blocks', () => {
  for (let length = 0; length <= 128; length++) {
    const [ours, theirs] = [plainSha256(), nodeHasher()];
    const bytes = Uint8Array.from({ length }, (_, index) => index + length);
    ours.update(bytes);
    theirs.update(bytes);
    expect(ours.digest(), `${length} bytes`).toBe(theirs.digest());
  }
});
