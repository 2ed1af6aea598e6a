/** What a repair came to, in the terminal. */
import { backendWords } from './backendWords.ts';
import { scoredWords } from '../eval/convention.ts';
import type { PerplexityFigures } from '../eval/figures.ts';
import { plural } from '../drawing/numbers.ts';
import type { RepairRunResult } from '../prune/repair/repairRun.ts';
import { figureTexts, repairedModels, type RepairDocument } from '../repair/document.ts';
import { repairWords, writtenRepair } from '../repair/readDocument.ts';
import { figure, pairedChange, percent, shareWords, table } from './figures.ts';

/** Names of blocks that a line lists; it counts the others. */
const LISTED = 8;

/** A repair of its own as tables and a few lines. */
export function repairSummary(result: RepairRunResult): string {
  const { model, data, convention, removed, ratios, repair } = result;
  const { fit, heldOut } = rowsOf(repair);
  return [
    `${model.name}: ${plural(removed.length, 'block')} of ${model.blocks} removed, ${percent(ratios.blocks)} of block parameters`,
    `${data.name}: ${fit} tokens fitted, ${heldOut} held out; ${scoredWords(data)}; ${convention.text}`,
    `backend: ${backendWords(result.backend)}, ${result.seconds.toFixed(1)} s of computing`,
    '',
    ...repairLines(repair, data.name),
  ].join('\n');
}

/** The three models side by side on every text, what was fitted, and what was not. */
export function repairLines(repair: RepairDocument, data: string): string[] {
  const { blocks, notRepaired } = repair;
  const texts = figureTexts(repair, data);
  const rows = repairedModels.map((name) => [name, ...texts.map(({ figures }) => withError(figures[name]))]);
  return [
    table(['perplexity', ...texts.map(({ name }) => `>${name}`)], [...rows, ...changeRows(texts)]),
    '',
    `repaired: ${repairWords(writtenRepair(repair))}${ridgeWords(blocks)}`,
    ...keptLines(blocks),
    ...(notRepaired.length === 0
      ? []
      : [`no kept block stands before ${listed(notRepaired)}, so nothing makes up for what was removed there`]),
  ];
}

/** What the repair did to the pruned model, each difference with an error of its own. */
function changeRows(texts: ReturnType<typeof figureTexts>): string[][] {
  const against = texts.map(({ figures: { change } }) => {
    return change ? pairedChange({ nats: change.nats, standardError: change.natsError }) : '–';
  });
  const back = texts.map(({ figures: of }) => (of.back ? shareWords(of.back) : '–'));
  return [
    ['change by repair', ...against],
    ['loss brought back', ...back],
  ];
}

/** `46.65 ± 1.2`: of so many chunks, without more is known of other texts. */
function withError({ ppl, status, standardError }: PerplexityFigures): string {
  const error = ppl === null || standardError === null ? '' : ` ± ${Number((ppl * standardError).toPrecision(2))}`;
  return `${figure(ppl, status)}${error}`;
}

/** `; ridge factor 0.3 (12 blocks), 1 (34 blocks)`, or `; L4.mlp × 1.031`: a scale has no ridge. */
function ridgeWords(blocks: RepairDocument['blocks']): string {
  const scales = blocks.flatMap(({ block, scale, kept }) => {
    return scale === undefined || kept !== null ? [] : [`${block} × ${scale.toPrecision(4)}`];
  });
  if (scales.length > 0) return `; ${listed(scales)}`;
  const counts = new Map<number, number>();
  for (const { factor } of blocks) if (factor !== null) counts.set(factor, (counts.get(factor) ?? 0) + 1);
  const parts = [...counts].toSorted(([a], [b]) => a - b).map(([factor, n]) => `${factor} (${plural(n, 'block')})`);
  return parts.length === 0 ? '' : `; ridge factor ${parts.join(', ')}`;
}

/** Blocks that keep their weights, by the reason why. */
function keptLines(blocks: RepairDocument['blocks']): string[] {
  const reasons = new Set(blocks.flatMap(({ kept }) => (kept === null ? [] : [kept])));
  return [...reasons].map((reason) => {
    const names = blocks.filter(({ kept }) => kept === reason).map(({ block }) => block);
    return `${plural(names.length, 'block')} ${names.length === 1 ? 'keeps its' : 'keep their'} weights (${reason}): ${listed(names)}`;
  });
}

function listed(names: readonly string[]): string {
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : '';
  return `${names.slice(0, LISTED).join(', ')}${more}`;
}

function rowsOf({ rows, heldOutRows }: RepairDocument): { fit: string; heldOut: string } {
  return { fit: rows.toLocaleString('en'), heldOut: heldOutRows.toLocaleString('en') };
}
