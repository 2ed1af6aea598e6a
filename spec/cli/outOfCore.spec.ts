/** A model that is larger than the memory it is given: what the process takes follows --memory, not the model. */
import { createWriteStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomGguf, shapes } from '../../bench/randomGguf.ts';
import { blockpruner } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-out-of-core-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MIB = 2 ** 20;
const tokens = 4;
const shape = { ...shapes.tinyllama, hidden: 512, intermediate: 1408, heads: 8, kvHeads: 2, vocab: 1000 };
/** Bytes of a layer as f32: q and o, k and v, three MLP matrices. */
const layerBytes = 4 * shape.hidden * (2 * 512 + 2 * 128 + 3 * shape.intermediate);

async function writeModel(layers: number): Promise<string> {
  const path = join(folder, `${layers}.gguf`);
  const model = { shape: { ...shape, layers }, type: 'q8_0', seed: layers, vocabulary: false } as const;
  await pipeline(randomGguf(model), createWriteStream(path));
  return path;
}

/** The least of three: garbage that was collected late only adds. */
async function peakOf(model: string, memory: number): Promise<number> {
  const peaks: number[] = [];
  while (peaks.length < 3) peaks.push(await peakOfOne(model, memory));
  return Math.min(...peaks);
}

/** The most bytes a process that prunes one block had in memory at once. */
async function peakOfOne(model: string, memory: number): Promise<number> {
  const atExit = 'process.on("exit",()=>process.stderr.write("peak "+process.resourceUsage().maxRSS+" KiB"))';
  const args = ['prune', model, '--data', join(folder, 'ids.json'), '--chunk', String(tokens), '--blocks', '1'];
  args.push('--memory', `${memory / MIB}MB`, '--threads', '1', '--out', join(folder, 'run'), '--fresh');
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(atExit)}` };
  const { code, stderr } = await blockpruner(args, { env });
  expect(code, stderr).toBe(0);
  return Number(/peak (\d+) KiB/.exec(stderr)?.[1]) * 1024;
}

describe('a model larger than memory', () => {
  beforeAll(() => {
    writeFileSync(join(folder, 'ids.json'), JSON.stringify(Array.from({ length: tokens }, (_, i) => (37 * i) % 1000)));
  });

  it('takes as much as a smaller one, and as much more as it is given', async () => {
    const [memory, more] = [40 * MIB, 6 * layerBytes];
    const [small, large] = [await writeModel(4), await writeModel(16)];
    const ofSmall = await peakOf(small, memory);
    const ofLarge = await peakOf(large, memory);
    const givenMore = await peakOf(large, memory + more);
    // Twelve layers more are 129 MiB; the rest is what waits for the garbage collector.
    expect(ofLarge - ofSmall).toBeLessThan(64 * MIB);
    expect(givenMore - ofLarge).toBeGreaterThan(more / 2);
    expect(givenMore - ofLarge).toBeLessThan(more + 64 * MIB);
  });
});
