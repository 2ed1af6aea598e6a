import { element, type Markup } from '../../drawing/html.ts';
import { formatSignificant, plural } from '../../drawing/numbers.ts';
import { drawing, line, text, tooltip } from '../../drawing/svg.ts';
import type { MethodScore, PruneResult } from '../result.ts';
import { effectiveSteps, parseUnit, type UnitKind } from './removals.ts';
import { scrollable, section } from './section.ts';

/** Sizes of a panel, in CSS pixels. */
const ROW = 17;
const NAME_WIDTH = 34;
const BAR_WIDTH = 190;
const WORDS_WIDTH = 120;
const HEADER_HEIGHT = 24;

const KINDS: readonly UnitKind[] = ['mha', 'mlp', 'layer'];
const NAMES: Readonly<Record<UnitKind, string>> = { mha: 'MHA', mlp: 'MLP', layer: 'Layers' };

/** A candidate's score, and when it went. */
interface Bar {
  readonly score: MethodScore;
  readonly kind: UnitKind;
  readonly layer: number;
  /** The step that removed it; null where it was kept. */
  readonly step: number | null;
}

/**
 * The scores of a method that takes them once, a bar a candidate; null where the document has none.
 * @throws MaskError for a name that is not a block of the model.
 */
export function scoreSection(result: PruneResult): Markup | null {
  const { scores } = result;
  if (scores === undefined || scores.length === 0) return null;
  const stepOf = new Map(effectiveSteps(result).map(({ removed, step }) => [removed, step]));
  const bars = scores.map((score): Bar => {
    const { kind, layer } = parseUnit(score.block, result.model.numHiddenLayers);
    return { score, kind, layer, step: stepOf.get(score.block) ?? null };
  });
  const share = barScale(scores);
  const missing = scores.some(({ score }) => score === null);
  return section(
    'scores',
    'Scores, taken once',
    element(
      'p',
      {},
      `${plural(scores.length, 'candidate')} scored on the whole model by ${result.method?.name ?? 'the method'}, before anything was removed; `,
      'the lowest went first. A bar is a score, a strong one was removed, at the step beside it. ',
      share.words,
      missing ? ' A score that is not a finite number has no bar.' : null,
    ),
    element(
      'figure',
      { class: 'panels' },
      KINDS.filter((kind) => bars.some((bar) => bar.kind === kind)).map((kind) => {
        const own = bars.filter((bar) => bar.kind === kind);
        return scrollable(`Scores: ${NAMES[kind]}`, renderPanel(kind, own, share.of));
      }),
    ),
  );
}

function renderPanel(kind: UnitKind, bars: readonly Bar[], share: (score: number) => number): Markup {
  const removed = bars.filter(({ step }) => step !== null).length;
  return drawing(
    { width: NAME_WIDTH + BAR_WIDTH + WORDS_WIDTH, height: HEADER_HEIGHT + bars.length * ROW, class: 'scores' },
    {
      title: `Scores: ${NAMES[kind]}`,
      description: `${plural(bars.length, 'candidate')}, of which ${removed} went. The longer a bar, the higher the score.`,
    },
    text(NAME_WIDTH, 12, NAMES[kind], { class: 'panel-name' }),
    line(NAME_WIDTH, HEADER_HEIGHT - 2, NAME_WIDTH, HEADER_HEIGHT + bars.length * ROW, 'axis'),
    bars.map((bar, row) => renderBar(bar, HEADER_HEIGHT + row * ROW, share)),
  );
}

function renderBar({ score, kind, layer, step }: Bar, y: number, share: (score: number) => number): Markup {
  const words = score.score === null ? statusWords(score) : formatSignificant(score.score, 4);
  const width = score.score === null ? 0 : BAR_WIDTH * share(score.score);
  const gone = step === null ? 'kept' : `removed at step ${step}`;
  return element(
    'g',
    { class: `bar ${kind}${step === null ? ' faint' : ''}` },
    tooltip(`${score.block}: score ${words}, ${gone}`),
    text(NAME_WIDTH - 7, y + 12.5, `L${layer}`, { class: 'tick', 'text-anchor': 'end' }),
    element('rect', { x: NAME_WIDTH, y: y + 2, width: Math.max(1, width), height: ROW - 4 }),
    text(NAME_WIDTH + Math.max(1, width) + 6, y + 12.5, `${words}${step === null ? '' : ` · step ${step}`}`, {
      class: 'tick',
    }),
  );
}

function statusWords({ status }: MethodScore): string {
  return status === 'nan' ? 'not a number' : 'infinite';
}

/**
 * How long a score's bar is, 0 … 1: linear from 0, or from the lowest where one is negative;
 * logarithmic from the lowest where all are above 0 and the highest is ten times that.
 */
function barScale(scores: readonly MethodScore[]): { of: (score: number) => number; words: string } {
  const finite = scores.flatMap(({ score }) => (score === null ? [] : [score]));
  const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  if (low > 0 && high / low >= 10) {
    const span = Math.log(high) - Math.log(low);
    return {
      // The lowest has a bar too.
      of: (score) => 0.02 + (0.98 * (Math.log(score) - Math.log(low))) / span,
      words: `Lengths are logarithmic, from ${formatSignificant(low, 3)} to ${formatSignificant(high, 3)}.`,
    };
  }
  const from = Math.min(0, low);
  // Halved, as the span of two doubles may overflow.
  const span = high / 2 - from / 2;
  return {
    of: (score) => (span > 0 ? (score / 2 - from / 2) / span : 1),
    words: from < 0 ? `Bars begin at the lowest, ${formatSignificant(from, 3)}.` : 'Bars begin at 0.',
  };
}
