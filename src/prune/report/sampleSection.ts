import type { PruneResult } from '../result.ts';
import { element, type Markup } from '../../drawing/html.ts';
import { section } from './section.ts';

/**
 * The same opening words continued by the dense, the pruned and, where there is one, the repaired
 * model; null where the run had no tokenizer.
 */
export function sampleSection({ sample }: PruneResult): Markup | null {
  if (sample === null) return null;
  const { prompt, before, after, repaired } = sample;
  return section(
    'sample',
    'The model in its own words',
    element(
      'p',
      {},
      'One continuation of the data’s opening words (grey), drawn at temperature 0.6 with a fixed seed. It is an impression, not a measurement.',
    ),
    element(
      'div',
      { class: 'samples' },
      passage('Dense', prompt, before),
      passage('Pruned', prompt, after),
      repaired === undefined ? null : passage('Pruned and repaired', prompt, repaired),
    ),
  );
}

function passage(name: string, prompt: string, text: string): Markup {
  // Some writers of continuations repeat the prompt; it is shown once either way.
  const continuation = text.startsWith(prompt) ? text.slice(prompt.length) : text;
  const words = element(
    'p',
    { class: 'passage', dir: 'auto' },
    element('span', { class: 'quiet' }, prompt),
    continuation,
  );
  return element('div', {}, element('h3', {}, name), words);
}
