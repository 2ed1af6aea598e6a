/** The model card of a repaired model: what it is, how good it is, and how it was made. */
import { formatCount, plural } from '../drawing/numbers.ts';
import type { RepairRunResult } from '../prune/repair/repairRun.ts';
import { figureTexts, repairedModels } from '../repair/document.ts';
import { repairWords, writtenRepair } from '../repair/readDocument.ts';
import { figure, percent } from './figures.ts';

/** By this a card of ours is known. */
const LABEL = '<!-- blockpruner: pruned and repaired -->';

export function isOurCard(text: string): boolean {
  return text.includes(LABEL);
}

/**
 * The card, before the model's own where it has one. Its front matter, which hubs read, stays in
 * front.
 * @param own the model's card, or nothing.
 * @param storedAs the type the weights are written in.
 */
export function repairedCard(result: RepairRunResult, storedAs: string, own: string): string {
  const [, matter = '', rest = ''] = /^(---\n[\s\S]*?\n---\n)?([\s\S]*)$/.exec(own.replaceAll('\r\n', '\n')) ?? [];
  const { model, data, convention, removed, ratios, repair } = result;
  const texts = figureTexts(repair, data.name);
  const row = (cells: readonly string[]): string => `| ${cells.map(cellText).join(' | ')} |`;
  const card = [
    LABEL,
    `# ${plainText(model.name)}, pruned and repaired`,
    '',
    `${plural(removed.length, 'residual block')} of ${model.blocks} were removed (${percent(ratios.blocks)} of the parameters ` +
      `of all blocks): \`${removed.join(',')}\`. What is left was repaired by least squares, without training ` +
      `(${repairWords(writtenRepair(repair))}), on ${formatCount(repair.rows)} tokens of ` +
      `${plainText(data.name)}.`,
    '',
    row(['perplexity', ...texts.map(({ name }) => name)]),
    row(['---', ...texts.map(() => '---:')]),
    ...repairedModels.map((name) =>
      row([name, ...texts.map(({ figures: of }) => figure(of[name].ppl, of[name].status))]),
    ),
    '',
    `Measured with ${convention.text}, on ${result.backend}, before the weights were rounded to ${storedAs}. ` +
      'The columns of the calibration text flatter the repair: judge it by a text that it has not seen.',
    '',
    'The removed blocks are still in the files, with output matrices of zero: any program that loads the model runs it, ' +
      'and one that can skip blocks saves their work (`del_order_list.json`). All figures and settings are in `repaired.json`.',
    '',
    `Made by blockpruner ${result.version}.`,
    '',
  ];
  return `${matter}${card.join('\n')}${rest.trim() === '' ? '' : `\n---\n\n${rest.replace(/^\n+/, '')}`}`;
}

/** A name in running text: no markup of its own. */
function plainText(name: string): string {
  return name.replaceAll(/[\\`*_[\]<>|\n]/g, (char) => (char === '\n' ? ' ' : `\\${char}`));
}

function cellText(cell: string): string {
  return /^-+:?$/.test(cell) ? cell : plainText(cell);
}
