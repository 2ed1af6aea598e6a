import type { Mutant } from './mutant.ts';

/** Faults of the report: its page, its script, and what it says of where it comes from. */
export const reportPageMutants: readonly Mutant[] = [
  {
    name: 'a path from the root stays in the command of a document',
    file: 'src/cli/origin.ts',
    from: '? fileName(text) : below;',
    to: '? text : below;',
    specs: ['spec/cli/origin.spec.ts'],
  },
  {
    name: 'a model is named with the folders it lies in',
    file: 'src/prune/modelSummary.ts',
    from: 'name: documentName(source.name)',
    to: 'name: source.name',
    specs: ['spec/cli/origin.spec.ts'],
  },
  {
    name: 'data in a page may end their element',
    file: 'src/drawing/html.ts',
    from: String.raw`replaceAll(/[<>&\u2028\u2029]/g`,
    to: String.raw`replaceAll(/[\u2028\u2029]/g`,
    specs: ['spec/prune/report/report.spec.ts'],
  },
  {
    name: 'the colour against dense is the one within the step',
    file: 'src/prune/report/heatMap.ts',
    from: 'Math.log(factor) + Math.log(best) - Math.log(dense)',
    to: 'Math.log(factor)',
    specs: ['spec/prune/report/heatMap.spec.ts'],
  },
  {
    name: 'a rank counts from nought',
    file: 'src/prune/report/heatCells.ts',
    from: 'finite.indexOf(ppl) + 1',
    to: 'finite.indexOf(ppl)',
    specs: ['spec/prune/report/heatMap.spec.ts'],
  },
  {
    name: 'an arrow key leads to the far end',
    file: 'src/prune/report/page/walk.ts',
    from: 'inRow.find(({ column }) => column > from.column)',
    to: 'inRow.findLast(({ column }) => column > from.column)',
    specs: ['spec/prune/report/pageScript.spec.ts'],
  },
  {
    name: 'a comma in a field of CSV stands open',
    file: 'src/prune/report/page/csv.ts',
    from: String.raw`/[",\r\n]/`,
    to: String.raw`/["\r\n]/`,
    specs: ['spec/prune/report/pageScript.spec.ts'],
  },
  {
    name: 'runs of different texts are compared without a warning',
    file: 'src/prune/report/comparedRuns.ts',
    from: 'differ(({ data }) => data.hash)',
    to: 'differ(({ data }) => data.name)',
    specs: ['spec/prune/report/comparison.spec.ts'],
  },
  {
    name: 'runs at equal shares are given a step too early',
    file: 'src/prune/report/comparison.ts',
    from: '({ ratio }) => ratio >= share)',
    to: '({ ratio }) => ratio * 1.3 >= share)',
    specs: ['spec/prune/report/comparison.spec.ts'],
  },
  {
    name: 'a result of another schema is drawn',
    file: 'src/prune/readResult.ts',
    from: 'if (schema !== PRUNE_SCHEMA) {',
    to: 'if (schema === undefined) {',
    specs: ['spec/prune/readResult.spec.ts'],
  },
  {
    name: 'layers without end are drawn',
    file: 'src/prune/readResult.ts',
    from: '(value as number) <= MOST_LAYERS',
    to: '(value as number) >= 0',
    specs: ['spec/prune/readResult.spec.ts'],
  },
  {
    name: 'a page replaces what the user wrote',
    file: 'src/cli/outputFolder.ts',
    from: 'if (force || isOurs(await beginning(file))) return;',
    to: 'if (force || (await beginning(file)) !== null) return;',
    specs: ['spec/cli/report.spec.ts'],
  },
];
