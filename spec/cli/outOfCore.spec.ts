/**
 * A model that is larger than the memory it is given: what the process takes follows --memory, not
 * the model.
 */
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

/**
 * Runs in the measured process: says the peak at its end, and collects garbage ten times a second.
 * Left alone, what waits to be collected is tens of MiB and differs from run to run; this way it is
 * what was read within a tenth of a second.
 */
const watch = `
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
setFlagsFromString('--expose-gc');
setInterval(runInNewContext('gc'), 100).unref();
process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS + ' KiB'));
`;

/** The most bytes a process that prunes one block had in memory at once. */
async function peakOf(model: string, memory: number): Promise<number> {
  const args = ['prune', model, '--data', join(folder, 'ids.json'), '--chunk', String(tokens)];
  args.push('--kind', 'mha', '--blocks', '1');
  args.push('--memory', `${memory / MIB}MB`, '--threads', '1', '--out', join(folder, 'run'), '--fresh');
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(watch)}` };
  const { code, stderr } = await blockpruner(args, { env });
  expect(code, stderr).toBe(0);
  return Number(/peak (\d+) KiB/.exec(stderr)?.[1]) * 1024;
}

describe('a model larger than memory', () => {
  beforeAll(() => {
    writeFileSync(join(folder, 'ids.json'), JSON.stringify(Array.from({ length: tokens }, (_, i) => (37 * i) % 1000)));
  });

  it('takes as much as a smaller one, and as much more as it is given', async () => {
    const layersMore = 24;
    const [memory, more] = [40 * MIB, layersMore * layerBytes];
    const [small, large] = [await writeModel(4), await writeModel(4 + layersMore)];
    const ofSmall = await peakOf(small, memory);
    const ofLarge = await peakOf(large, memory);
    const givenMore = await peakOf(large, memory + more);
    // The layers are 258 MiB, of which memory for as many again gives 185 to weights: each limit is
    // some 70 MiB or more from there, far beyond what can wait for the garbage collector.
    expect(ofLarge - ofSmall).toBeLessThan(more / 2);
    expect(givenMore - ofLarge).toBeGreaterThan(more / 3);
    expect(givenMore - ofLarge).toBeLessThan(more);
  });
});
