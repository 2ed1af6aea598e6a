/** What a search says on its way: plain lines where stderr is a file, a live bar on a terminal. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SearchProgress } from '../../src/cli/progress.ts';
import { Terminal } from '../../src/cli/terminal.ts';
import type { ScoredCandidate, SearchEvent } from '../../src/prune/events.ts';
import { Mask } from '../../src/model/mask.ts';
import type { MethodEvent } from '../../src/prune/method.ts';
import { layersOf } from '../model/layers.ts';
import { planOf } from './planOf.ts';

const perplexityOf = (ppl: number): ScoredCandidate['perplexity'] => ({
  ppl,
  nll: Math.log(ppl),
  natsPerToken: Math.log(ppl),
  bitsPerByte: null,
  standardError: null,
  scoredTokens: 100,
});

const pick: ScoredCandidate = {
  name: 'L1.mlp',
  blocks: [{ layer: 1, kind: 'mlp' }],
  perplexity: perplexityOf(12.5),
};
const work = { done: 25, exact: 100, naive: 400 };
const dense: SearchEvent = { type: 'dense', perplexity: perplexityOf(10) };
const step: SearchEvent = {
  type: 'step',
  step: 1,
  removed: pick,
  runnerUp: null,
  scores: [],
  change: { nats: Math.log(1.25), standardError: null },
  margin: null,
  ratios: { total: 0.1234, blocks: 0.2, depth: 0.25 },
  candidates: [pick],
  work,
};
const progress: Extract<SearchEvent, { type: 'progress' }> = {
  type: 'progress',
  step: 1,
  candidates: 12,
  fraction: 0.25,
  seconds: 25,
  computed: 0.25,
  best: null,
};

let written = '';
const stderr = process.stderr;
const before = { write: stderr.write, isTTY: stderr.isTTY, columns: stderr.columns };

beforeEach(() => {
  written = '';
  stderr.write = (text: string | Uint8Array): boolean => {
    written += String(text);
    return true;
  };
});
afterEach(() => {
  Object.assign(stderr, before);
});

/** What the events leave on stderr. */
function shown(events: readonly MethodEvent[], options: { terminal?: boolean; quiet?: boolean } = {}): string {
  stderr.isTTY = options.terminal ?? false;
  const bar = new SearchProgress(new Terminal({ quiet: options.quiet ?? false, json: false }));
  for (const event of events) bar.show(event);
  bar.close();
  return written;
}

describe('in a file', () => {
  it.each<[string, SearchEvent[], string]>([
    ['the dense model', [dense], 'dense: perplexity 10\n'],
    [
      'a step, beside the dense model',
      [dense, step],
      'dense: perplexity 10\n' +
        'step 1: removed L1.mlp, perplexity 12.5 (+25.0 %), 12.3 % of parameters gone, 1 candidate\n',
    ],
    [
      'a step with the error of its change, and its runner-up with that of the margin',
      [
        dense,
        {
          ...step,
          change: { nats: Math.log(1.25), standardError: 0.01 },
          runnerUp: { ...pick, name: 'L0.mha' },
          margin: { nats: Math.log(1.0031), standardError: 0.0012 },
        },
      ],
      'dense: perplexity 10\n' +
        'step 1: removed L1.mlp, perplexity 12.5 (+25.0 ± 1.3 %), 12.3 % of parameters gone, 1 candidate; ' +
        'runner-up L0.mha, +0.31 ± 0.12 %\n',
    ],
    [
      'a step of a race',
      [dense, { ...step, race: { looks: [], survivors: 3 } }],
      'dense: perplexity 10\n' +
        'step 1: removed L1.mlp, perplexity 12.5 (+25.0 %), 12.3 % of parameters gone, 1 candidate, ' +
        "3 of them on all chunks, 25.0 % of exact mode's passes\n",
    ],
    [
      'a step that finds nothing',
      [{ ...step, removed: null }],
      'step 1: no candidate has a finite perplexity, nothing removed\n',
    ],
    [
      'the end',
      [{ type: 'done', mask: Mask.parse('L1.mlp,L0.mha', layersOf(2)), stoppedBy: 'ratio' }],
      'done: 2 blocks removed, stopped by ratio\n',
    ],
    ['nothing of what is on its way', [{ type: 'start', blocks: 4, chunks: 8 }, progress], ''],
  ])('%s', (_, events, text) => {
    expect(shown(events)).toBe(text);
  });

  it('a warning, also where it is to be quiet', () => {
    const events: SearchEvent[] = [{ type: 'warning', message: 'the journal is old' }, dense, step];
    expect(shown(events, { quiet: true })).toBe('warning: the journal is old\n');
  });
});

describe('on a terminal', () => {
  const bar = (event: Partial<typeof progress>): string => shown([{ ...progress, ...event }], { terminal: true });

  it('the step, its candidates and how much is done', () => {
    expect(bar({})).toMatch(/step 1 [█░]+ 25% · .* · 12 candidates/);
  });

  it.each([
    // A quarter of the step took as long as 25 s, 20 min, 3 h: three quarters are left.
    [25, '1:15'],
    [20 * 60, '1:00:00'],
    [3 * 3600, '9:00:00'],
    [0.1, '0:00'],
  ])('the time that is left, after %d s', (seconds, left) => {
    expect(bar({ seconds })).toContain(`step ${left} left`);
  });

  it('no time where all so far came from the journal', () => {
    expect(bar({ computed: 0, seconds: 0 })).toContain('step … left');
  });

  it('the best candidate so far', () => {
    expect(bar({ best: null })).not.toContain('best');
    expect(bar({ best: { name: 'L1.mlp', ppl: 12.345_67 } })).toContain('best L1.mlp 12.346');
  });

  it('with a plan, which step of how many, what is left of the run, and how fast it goes', () => {
    const plan = planOf([100, 90, 80]);
    const at = [{ type: 'plan', plan, done: 0 } as const, progress];
    stderr.columns = 160;
    const text = shown(at, { terminal: true });
    expect(text).toContain('12 candidates, 3 steps: about 1.7 min for the first step, 4.5 min for all');
    // 100 tokens in 12 models, a quarter of them in 25 s.
    expect(text).toMatch(
      /step 1 of 3 [█░]+ 25% · step 1:15 left · run 4:05 left · 0:00 elapsed · 12 candidates · 12\.0 tokens\/s/,
    );
    const bounded = shown([{ type: 'plan', plan: { ...plan, atMost: true }, done: 0 }, progress], { terminal: true });
    expect(bounded).toContain('step 1 of at most 3 ');
  });

  it('of a run that goes on, what is left; of a finished one, nothing', () => {
    const plan = planOf([100, 90, 80]);
    const resumed = shown([{ type: 'plan', plan, done: 2 }]);
    expect(resumed).toBe('resuming: 2 of 3 steps are in the journal, about 80 s left\n');
    written = '';
    expect(shown([{ type: 'plan', plan, done: 3 }])).toBe('');
  });

  it('in as many columns as the terminal has by then', () => {
    for (const columns of [40, 60, 100]) {
      stderr.columns = columns;
      written = '';
      const pieces = shown([progress], { terminal: true }).split('\u001B');
      const line = pieces.find((text) => text.includes('step 1')) ?? '';
      expect(line.replace(/^\[\d*[A-Z]/, '').length).toBeLessThan(columns);
    }
  });

  it('the block that a repair is fitting', () => {
    const leader = { step: 2, name: 'L3.mha', index: 0, of: 5 };
    stderr.columns = 100;
    expect(shown([{ type: 'repairing', leader: null, block: 'L5.mlp', fraction: 0.5 }], { terminal: true })).toMatch(
      /repair [█░]+ 50% · L5\.mlp/,
    );
    expect(shown([{ type: 'repairing', leader, block: 'L5.mlp', fraction: 0.5 }], { terminal: true })).toContain(
      'step 2, L3.mha, 1 of 5 · L5.mlp',
    );
  });

  it('one bar, which is gone before a line is written', () => {
    const text = shown([progress, { ...progress, fraction: 0.5 }, dense], { terminal: true });
    expect(text.trimEnd().endsWith('dense: perplexity 10')).toBe(true);
    // Cursor and line wrap stay as they are: who kills the process could not put them right.
    for (const off of ['\u001B[?25l', '\u001B[?7l']) expect(text).not.toContain(off);
  });

  it('none where it is to be quiet', () => {
    expect(shown([progress], { terminal: true, quiet: true })).toBe('');
  });
});
