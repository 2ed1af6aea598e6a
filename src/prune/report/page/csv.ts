/** The tables of a document as CSV (RFC 4180). */
import type { PruneResult } from '../../result.ts';

/** What the page embeds. */
export type Saved = PruneResult;

type Value = string | number | null | undefined;

/** A row a step, the dense model first; with several documents a first column tells them apart. */
export function stepsCsv(results: readonly Saved[]): string {
  const head = [
    'step',
    'removed',
    'perplexity',
    'standard_error_nats',
    'change_percent',
    'change_percent_error',
    'parameters_removed',
    'block_parameters_removed',
    'blocks_removed',
    'bits_per_byte',
    'eval_perplexity',
    'eval_change_percent',
    'runner_up',
    'margin_percent',
    'margin_percent_error',
  ];
  return csv(results, head, ({ dense, evaluation, steps }) => [
    [0, '', dense.ppl, dense.standardError, 0, null, 0, 0, 0, dense.bitsPerByte, evaluation?.dense.ppl],
    ...steps.map((step) => [
      step.step,
      step.removed,
      step.ppl,
      step.standardError,
      step.change?.percent,
      step.change?.percentError,
      step.ratios.total,
      step.ratios.blocks,
      step.ratios.depth,
      step.bitsPerByte,
      step.evaluation?.ppl,
      step.evaluation?.change?.percent,
      step.runnerUp?.block,
      step.runnerUp?.margin?.percent,
      step.runnerUp?.margin?.percentError,
    ]),
  ]);
}

/** A row a candidate of a step, in the order in which they were considered. */
export function candidatesCsv(results: readonly Saved[]): string {
  return csv(results, ['step', 'block', 'perplexity', 'status', 'removed'], ({ steps }) =>
    steps.flatMap(({ step, removed, candidates }) =>
      candidates.map(({ block, ppl, status }) => [step, block, ppl, status, block === removed ? 1 : 0]),
    ),
  );
}

function csv(
  results: readonly Saved[],
  head: readonly string[],
  rowsOf: (result: Saved) => readonly (readonly Value[])[],
): string {
  const several = results.length > 1;
  const rows = results.flatMap((result, index) =>
    rowsOf(result).map((row) => [...(several ? [index + 1] : []), ...row]),
  );
  const width = head.length + (several ? 1 : 0);
  const lines = [[...(several ? ['run'] : []), ...head], ...rows].map((row) =>
    Array.from({ length: width }, (_, index) => field(row[index])).join(','),
  );
  return `${lines.join('\r\n')}\r\n`;
}

function field(value: Value): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
