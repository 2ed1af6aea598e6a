import type { PruneResult } from '../result.ts';
import { element, type Child, type Markup } from '../../drawing/html.ts';
import { formatCount } from '../../drawing/numbers.ts';
import { scrollable, section } from './section.ts';

const BOS = {
  none: 'none',
  stream: 'once, at the head of the stream',
  chunk: 'at the head of every chunk',
  replaced: 'in place of the first token of every chunk',
  text: 'before every text',
} as const satisfies Record<PruneResult['convention']['bos'], string>;

/** What exactly was measured: without it a perplexity cannot be compared with another. */
export function conventionsSection(result: PruneResult): Markup {
  const { convention, data, model } = result;
  const rows: (readonly [string, Child])[] = [
    // Documents of older versions do not name it.
    ['Convention', convention.name ?? 'paper'],
    ['Data', element('bdi', {}, data.name)],
    ['Tokens scored', formatCount(data.scoredTokens)],
    ['Chunks', `${formatCount(data.chunks)} of ${formatCount(convention.chunk)} tokens, ${placed(convention)}`],
    ...sampleRow(convention.sample),
    ...skippedRow(data.skippedChunks),
    ...(convention.sample === undefined
      ? ([['Tokens dropped', `${formatCount(data.droppedTokens)} (a tail shorter than a chunk)`]] as const)
      : []),
    ...(data.notes ?? []).map((note): [string, Child] => ['Note on the text', note]),
    ['Tokens ignored', ignoredWords(convention.ignoredId, data.ignoredTokens)],
    ['Beginning of sequence', BOS[convention.bos]],
    ['Join', joinWords(convention)],
    ...(convention.newlines === 'lf' ? ([['Line ends', 'read as LF']] as const) : []),
    ['Aggregation', `exp of the ${convention.aggregation}`],
    ['Data hash', hash(data.hash)],
    ['Model hash', hash(model.contentHash)],
    ['Written by', `blockpruner ${result.version}, schema ${result.schema}`],
  ];
  const body = rows.map(([name, value]) =>
    element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, value)),
  );
  return section(
    'conventions',
    'Conventions',
    element('p', {}, convention.text),
    scrollable('Conventions', element('table', { class: 'conventions' }, element('tbody', {}, body))),
  );
}

type Convention = PruneResult['convention'];

function placed({ stride, sample }: Convention): string {
  return sample === undefined ? `stride ${formatCount(stride)}` : 'drawn at random';
}

/** What windows were drawn from, if they were. */
function sampleRow(sample: Convention['sample']): [string, Child][] {
  if (sample === undefined) return [];
  const { windows, seed, from, tokens, texts } = sample;
  const source = from === 'stream' ? 'the joined text' : `${formatCount(texts)} texts, each window from one of them`;
  return [['Sample', `${formatCount(windows)} windows, seed ${seed}, from ${formatCount(tokens)} tokens of ${source}`]];
}

function joinWords({ join, sample }: Convention): Child {
  if (sample?.from === 'document') return 'none: each text is tokenised on its own';
  return join === '' ? 'nothing' : element('code', {}, JSON.stringify(join));
}

/** Documents of older versions do not tell. */
function skippedRow(count: number | undefined): [string, Child][] {
  return count === undefined || count === 0
    ? []
    : [['Chunks skipped', `${formatCount(count)} (no target that counts)`]];
}

function ignoredWords(id: number | null, count: number): string {
  return id === null ? 'none' : `${formatCount(count)} (equal to padding id ${formatCount(id)})`;
}

function hash(value: string): Markup {
  return element('code', { class: 'hash' }, value);
}
