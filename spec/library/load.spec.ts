/** The facade in Node, in this process. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe } from 'vitest';
import * as errors from '../../src/errors.ts';
import { load } from '../../src/library/load.ts';
import type { Golden } from '../../tiny-models/planted/golden.ts';
import { modelSuite } from './modelSuite.ts';

const planted = fileURLToPath(new URL('../../tiny-models/planted', import.meta.url));
const tiny = new URL('../../tiny-models/data/tiny.txt', import.meta.url);
const scratch = mkdtempSync(join(tmpdir(), 'blockpruner-load-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let journals = 0;

describe('a model in the process', () => {
  modelSuite({
    open: (settings) => load(planted, { threads: 1, memoryBytes: 2 ** 26, ...settings }),
    newJournal: () => join(scratch, `journal${journals++}.jsonl`),
    golden: JSON.parse(readFileSync(join(planted, 'golden.json'), 'utf8')) as Golden,
    text: readFileSync(tiny, 'utf8'),
    errors,
  });
});
