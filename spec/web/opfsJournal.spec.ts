/**
 * The journal in a browser's private file system, over a stand-in for a file in it. The real one
 * runs in spec/browser.
 */
import { fc, test } from '@fast-check/vitest';
import { afterEach, expect, it, vi } from 'vitest';
import { AccessError, FormatError } from '../../src/errors.ts';
import { Journal } from '../../src/prune/journal.ts';
import { opfsJournal } from '../../src/web/opfsJournal.ts';
import { plainSha256 } from '../../src/web/plainSha256.ts';

const header = { weights: 'w', config: 'c', tokens: 't', settings: 's', backend: 'b' };

/** One file: its bytes, and how many a write takes at most. */
function privateFile(content: Uint8Array): { bytes: Uint8Array; room: number } {
  const file = { bytes: content, room: Infinity };
  const handle = {
    getSize: () => file.bytes.length,
    read(into: Uint8Array, { at }: { at: number }) {
      into.set(file.bytes.subarray(at, at + into.length));
      return into.length;
    },
    write(from: Uint8Array, { at }: { at: number }) {
      const part = from.subarray(0, Math.min(from.length, file.room));
      const grown = new Uint8Array(Math.max(file.bytes.length, at + part.length));
      grown.set(file.bytes);
      grown.set(part, at);
      file.bytes = grown;
      return part.length;
    },
    truncate: (size: number) => void (file.bytes = file.bytes.slice(0, size)),
    flush: () => {},
    close: () => {},
  };
  const root = { getFileHandle: () => Promise.resolve({ createSyncAccessHandle: () => Promise.resolve(handle) }) };
  vi.stubGlobal('navigator', { storage: { getDirectory: () => Promise.resolve(root) } });
  return file;
}
afterEach(() => vi.unstubAllGlobals());

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (file: { bytes: Uint8Array }): string => new TextDecoder().decode(file.bytes);

async function written(steps: number): Promise<string> {
  const file = privateFile(new Uint8Array());
  const journal = await Journal.open(await opfsJournal('j', false), header, plainSha256);
  for (let step = 1; step <= steps; step++) await journal.addStep(step, 'L0.mha', step);
  return textOf(file);
}

test.prop([fc.nat(3), fc.nat(1000)])('torn anywhere, it goes on behind its whole lines', async (steps, part) => {
  const whole = await written(steps);
  const torn = whole.slice(0, Math.floor((part / 1000) * whole.length));
  const file = privateFile(bytesOf(torn));
  const journal = await Journal.open(await opfsJournal('j', false), header, plainSha256);
  for (let step = 1; step <= steps + 1; step++) await journal.addStep(step, 'L0.mha', step);
  expect(textOf(file)).toBe(await written(steps + 1));
});

test.prop([fc.nat(1000), fc.nat(7)], { numRuns: 300 })(
  'with a bit flipped it is refused, or is a shorter one',
  async (part, bit) => {
    const whole = await written(3);
    const bytes = bytesOf(whole);
    bytes[Math.floor((part / 1001) * bytes.length)] ^= 1 << bit;
    const file = privateFile(bytes);
    const damaged = textOf(file);
    try {
      const journal = await Journal.open(await opfsJournal('j', false), header, plainSha256);
      for (let step = 1; step <= 3; step++) await journal.addStep(step, 'L0.mha', step);
      expect(textOf(file)).toBe(whole);
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
      expect(textOf(file)).toBe(damaged);
    }
  },
);

it('a write that was cut short is taken back before the next', async () => {
  const file = privateFile(new Uint8Array());
  const sink = await opfsJournal('j', false);
  await sink.append('first');
  file.room = 3;
  await expect(sink.append('second')).rejects.toThrow(AccessError);
  file.room = Infinity;
  await sink.append('3');
  expect(textOf(file)).toBe('first\n3\n');
});

it('starts over when fresh', async () => {
  const file = privateFile(bytesOf('old\n'));
  expect(await opfsJournal('j', true)).toMatchObject({ lines: [], torn: '' });
  expect(file.bytes).toHaveLength(0);
});
