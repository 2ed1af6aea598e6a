import { posix, win32 } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { isPlainFileName } from '../../src/platform/plainFileName.ts';

const pathLike = fc
  .array(fc.constantFrom('..', '.', '/', '\\', 'a', 'C:', ' ', '\0', '\n', '~', 'é'))
  .map((parts) => parts.join(''));

test.prop([fc.oneof(pathLike, fc.string({ unit: 'binary' }))], { numRuns: 1000 })(
  'a plain file name stays in its folder, on every system',
  (name) => {
    if (!isPlainFileName(name)) return;
    for (const system of [posix, win32]) {
      const folder = system.resolve('/folder');
      expect(system.dirname(system.resolve(folder, name))).toBe(folder);
      expect(system.basename(system.resolve(folder, name))).toBe(name);
    }
    expect(name).not.toMatch(/\p{Cc}/u);
  },
);

it.each(['model.safetensors', 'model-00001-of-00002.safetensors', 'Qwen3 0.6B (q8_0).gguf', 'ünï..x', '~x'])(
  '%j is one',
  (name) => {
    expect(isPlainFileName(name)).toBe(true);
  },
);

it.each(['', '.', '..', '.hidden', '../x', 'a/b', 'a\\b', '/x', '\\x', 'C:x', 'a:stream', 'a\0', 'a\nb', '\u009Fx'])(
  '%j is none',
  (name) => {
    expect(isPlainFileName(name)).toBe(false);
  },
);
