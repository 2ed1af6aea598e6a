import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { FormatError } from '../../src/errors.ts';
import { blobBytes } from '../../src/web/blobBytes.ts';

test.prop([fc.uint8Array({ maxLength: 50 }), fc.nat(60), fc.nat(60)])(
  'reads any range of a blob, and refuses one that leaves it',
  async (bytes, offset, length) => {
    const source = blobBytes('x.gguf', new Blob([bytes.slice()]));
    expect(source.size).toBe(bytes.length);
    if (offset + length <= bytes.length) {
      expect(await source.read(offset, length)).toEqual(bytes.slice(offset, offset + length));
    } else {
      await expect(source.read(offset, length)).rejects.toThrow(FormatError);
    }
  },
);

it('refuses ranges before the beginning', async () => {
  const source = blobBytes('x.gguf', new Blob(['abc']));
  await expect(source.read(-1, 2)).rejects.toThrow('x.gguf: truncated');
  await expect(source.read(2, -1)).rejects.toThrow(FormatError);
});
