import type { PruneResult } from '../result.ts';
import { methodWords } from './headline.ts';
import { removalsOf, effectiveSteps } from './removals.ts';
import { settingWords } from './provenanceSection.ts';
import { formatBlock } from '../../model/blockId.ts';

/** One of several runs that stand side by side. */
export interface NamedRun {
  /** `A`, `B`, … `Z`, `A2`: short enough for a curve's end. */
  readonly letter: string;
  readonly name: string;
  readonly result: PruneResult;
}

/** Runs with their letters. @param names default: what tells them apart. */
export function namedRuns(results: readonly PruneResult[], names?: readonly string[]): NamedRun[] {
  const own = names ?? defaultNames(results);
  return results.map((result, index) => {
    const round = Math.floor(index / 26);
    const letter = `${String.fromCharCode(65 + (index % 26))}${round === 0 ? '' : round + 1}`;
    return { letter, name: own[index] ?? `run ${index + 1}`, result };
  });
}

/** By method where these differ, else by model, else by number. */
function defaultNames(results: readonly PruneResult[]): string[] {
  for (const nameOf of [methodWords, ({ model }: PruneResult) => model.name]) {
    const names = results.map((result) => nameOf(result));
    if (new Set(names).size === names.length) return names;
  }
  return results.map((_, index) => `run ${index + 1}`);
}

/** Whether all perplexities may be laid side by side: one model, one text, one convention. */
export function comparable(runs: readonly NamedRun[]): boolean {
  return warningsOf(runs).length === 0;
}

/** What differs so that levels do not compare, in sentences. */
export function warningsOf(runs: readonly NamedRun[]): string[] {
  const differ = (of: (result: PruneResult) => unknown): boolean =>
    new Set(runs.map(({ result }) => JSON.stringify(of(result)) ?? '')).size > 1;
  return [
    ...(differ(({ model }) => model.contentHash) ? ['The runs are of different models.'] : []),
    ...(differ(({ data }) => data.hash) ? ['The runs were measured on different texts.'] : []),
    ...(differ(({ convention }) => convention.text) ? ['The perplexities were taken by different conventions.'] : []),
  ];
}

/** A removal's share of all parameters and the perplexity it leaves, after repair in the loop. */
export interface RunPoint {
  readonly step: number;
  readonly ratio: number;
  readonly ppl: number | null;
}

/** The dense model, then every step that removed something. */
export function pointsOf({ dense, ...result }: PruneResult): RunPoint[] {
  const steps = effectiveSteps({ dense, ...result }).map(({ step, ratios, ppl, repair }) => {
    return { step, ratio: ratios.total, ppl: repair === undefined ? ppl : repair.ppl };
  });
  return [{ step: 0, ratio: 0, ppl: dense.ppl }, ...steps];
}

/** The names of the removed blocks, in the order of removal. */
export function blocksOf(result: PruneResult): string[] {
  return removalsOf(result).map(({ block }) => formatBlock(block));
}

/** What two runs were told, and what it was told to each; only what differs. */
export function differences(runs: readonly NamedRun[]): { name: string; values: string[] }[] {
  const told = runs.map(({ result }) => settingsOf(result));
  const names = [...new Set(told.flatMap((settings) => [...settings.keys()]))];
  return names
    .map((name) => ({ name, values: told.map((settings) => settings.get(name) ?? '–') }))
    .filter(({ values }) => new Set(values).size > 1);
}

/** All that could make two runs differ, in words. */
function settingsOf(result: PruneResult): Map<string, string> {
  const { model, data, convention, backend, kind, race, stop, repair, evaluation, provenance, version } = result;
  const settings = new Map<string, string>([
    ['Model', model.name],
    ['Model hash', model.contentHash],
    ['Data', data.name],
    ['Data hash', data.hash],
    ['Convention', convention.text],
    ['Method', methodWords(result)],
    ['Candidates', kind],
    ['Search', race === undefined ? 'exact' : `race at confidence ${race.confidence}`],
    ['Stop rules', settingWords(Object.fromEntries(Object.entries(stop).filter(([, value]) => value !== undefined)))],
    ['Repair', repair === undefined ? 'none' : repair.when],
    ['Held-out text', evaluation === undefined ? 'none' : evaluation.data.name],
    ['Backend', backend],
    ['Version', version],
  ]);
  if (provenance === undefined) return settings;
  settings.set('Machine', `${provenance.machine.processor ?? 'not told'}, ${provenance.machine.cores} cores`);
  settings.set('Ran on', provenance.runtime);
  // What stands above in other words.
  const known = new Set(['model', 'data', 'out', 'method', 'kind', 'search', 'backend', 'repair', 'blocks', 'eval']);
  for (const [name, value] of Object.entries(provenance.settings)) {
    if (!known.has(name) && value !== undefined) settings.set(`Setting ${name}`, settingWords(value));
  }
  return settings;
}
