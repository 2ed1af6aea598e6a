/** Places that cannot be written to, or hold what must not be overwritten. */
import { expect } from 'vitest';
import { inProcess } from '../inProcess.ts';
import { PLANTED, prune, TEXT, type WrongInput } from '../wrongInput.ts';

const small = ['prune', PLANTED, '--data', TEXT, '--tokens', '512', '--out', 'out', '--quiet', '--blocks', '1'];

export const outputCases: readonly WrongInput[] = [
  {
    what: 'an output folder that is a file',
    files: { file: 'not a folder' },
    args: prune('--blocks', '1', '--out', 'file'),
    code: 1,
    line: /file: a file is in the way/,
  },
  {
    what: 'an output folder below a file',
    files: { file: 'not a folder' },
    args: prune('--blocks', '1', '--out', 'file/x'),
    code: 1,
    line: /file\/x: a part of the path is a file/,
  },
  {
    what: 'the journal of a run with other settings',
    setup: async (folder) => {
      expect((await inProcess(small, { cwd: folder })).code).toBe(0);
    },
    args: [...small, '--chunk', '128'],
    code: 1,
    line: /^error: .*journal\.jsonl: belongs to a run with other settings\. Use another --out, or --fresh/,
  },
];
