/**
 * A result as CSV (RFC 4180): a header, then a row for each step, or one for a perplexity. Columns
 * never change their order or meaning; new ones come last. Numbers have all digits; what there is
 * none of is empty.
 */
import type { PerplexityFigures } from '../eval/figures.ts';
import type { PruneResult, StepResult } from '../prune/result.ts';

type Cell = string | number | null | undefined;

/** Records end in CRLF; a text with a comma, a quote or a line end stands in quotes. */
export function csv(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [header, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
}

function field(cell: Cell): string {
  const text = String(cell ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const stepColumns = [
  'step',
  'removed',
  'ppl',
  'status',
  'standardError',
  'bitsPerByte',
  'changePercent',
  'changePercentError',
  'ratioTotal',
  'ratioBlocks',
  'ratioDepth',
  'runnerUp',
  'runnerUpPpl',
  'evalPpl',
  'evalChangePercent',
  'evalChangePercentError',
  'repairedPpl',
];

/** The steps of a run; step 0 is the whole model. */
export function stepsCsv({ dense, evaluation, steps }: PruneResult): string {
  const { ppl, status, standardError, bitsPerByte } = dense;
  const first = [0, '', ppl, status, standardError, bitsPerByte, 0, null, 0, 0, 0, null, null];
  const held = [evaluation?.dense.ppl, evaluation === undefined ? null : 0, null];
  return csv(stepColumns, [[...first, ...held, null], ...steps.map(stepCells)]);
}

function stepCells(step: StepResult): Cell[] {
  const { ppl, status, standardError, bitsPerByte, change, ratios, runnerUp, evaluation, repair } = step;
  const own = [step.step, step.removed, ppl, status, standardError, bitsPerByte];
  const shares = [ratios.total, ratios.blocks, ratios.depth];
  const held = [evaluation?.ppl, evaluation?.change?.percent, evaluation?.change?.percentError];
  return [
    ...own,
    change?.percent,
    change?.percentError,
    ...shares,
    runnerUp?.block,
    runnerUp?.ppl,
    ...held,
    repair?.ppl,
  ];
}

/** What `perplexity` measured. */
export interface MeasuredRow extends PerplexityFigures {
  readonly model: string;
  readonly data: string;
  /** Removed blocks. */
  readonly mask: string;
  readonly tokens: number;
  readonly convention: string;
}

/** A perplexity as one row. */
export function perplexityCsv(row: MeasuredRow): string {
  const columns = [
    'model',
    'data',
    'mask',
    'ppl',
    'status',
    'standardError',
    'nll',
    'natsPerToken',
    'bitsPerByte',
    'tokens',
    'convention',
  ] as const;
  return csv(columns, [columns.map((name) => row[name])]);
}
