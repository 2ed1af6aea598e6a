import type { PruneResult } from '../result.ts';
import { element, type Markup } from '../../drawing/html.ts';
import { copyable } from './copying.ts';
import { removalsOf } from './removals.ts';
import { section } from './section.ts';

/** A thing to do, and the words after `blockpruner`. */
interface Step {
  readonly id: string;
  readonly what: string;
  readonly words: readonly string[];
}

/**
 * What one does with the result, as commands for the folder in which the run was started. Null
 * where nothing was removed.
 */
export function nextSection(result: PruneResult): Markup | null {
  if (removalsOf(result).length === 0) return null;
  return section(
    'next',
    'What next',
    element(
      'p',
      {},
      'To be run where this run was started. Paths are as far as this report tells them, and names in capitals are yours to replace.',
    ),
    stepsOf(result).map(({ id, what, words }) => copyable(id, what, ['blockpruner', ...words].join(' '))),
  );
}

function stepsOf(result: PruneResult): Step[] {
  const model = shellWord(modelOf(result));
  const out = outOf(result);
  const pruned = out === null ? ['--mask', result.removed.join(',')] : ['--run', shellWord(out)];
  const data = ['--data', 'TEXT.txt'];
  const steps: Step[] = [
    { id: 'generate', what: 'Let the pruned model write', words: ['generate', model, ...pruned, '--prompt', "'Once'"] },
    { id: 'measure', what: 'Measure it on another text', words: ['perplexity', model, ...data, ...pruned] },
  ];
  if (out !== null) {
    const words = ['verify', shellWord(out)];
    steps.push({
      id: 'verify',
      what: 'Check that model and text are those of this run, and measure the end again',
      words,
    });
  }
  if (result.repair === undefined) {
    const words = ['repair', model, ...data, ...pruned, ...(out === null ? ['--out', 'REPAIRED'] : [])];
    steps.push({ id: 'repair', what: 'Repair it by least squares, without training, in minutes', words });
  }
  const heal = [
    'heal',
    model,
    ...data,
    '--valid',
    'OTHER.txt',
    ...pruned,
    ...(out === null ? ['--out', 'HEALED'] : []),
  ];
  const folder = [
    'repair',
    model,
    ...data,
    ...pruned,
    ...(out === null ? ['--out', 'REPAIRED'] : []),
    '--write',
    'SMALLER',
  ];
  steps.push(
    { id: 'heal', what: 'Heal it by training adapters, which takes longer and brings back more', words: heal },
    { id: 'export', what: 'Write a model folder that other programs load', words: folder },
  );
  return steps;
}

/** As it was given, as far as the document tells. */
function modelOf({ provenance, model }: PruneResult): string {
  const given = provenance?.settings.model;
  return typeof given === 'string' && given !== '' ? given : model.name;
}

/** The run's folder; null where the document does not tell. */
function outOf({ provenance }: PruneResult): string | null {
  const out = provenance?.settings.out;
  return typeof out === 'string' && out !== '' ? out : null;
}

/** A word as a POSIX shell reads it back. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
