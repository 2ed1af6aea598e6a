import type { Provenance } from '../provenance.ts';
import type { PruneResult } from '../result.ts';
import { element, type Child, type Markup } from '../../drawing/html.ts';
import { formatCount, formatSignificant, plural } from '../../drawing/numbers.ts';
import { copyable } from './copying.ts';
import { scrollable, section } from './section.ts';

/** When, where and how the run was made; null for documents that do not tell. */
export function provenanceSection({ provenance, version, schema, model, data }: PruneResult): Markup | null {
  if (provenance === undefined) return null;
  const { date, command, runtime, dtypes, machine } = provenance;
  const rows: (readonly [string, Child])[] = [
    ['Date', element('time', { datetime: date }, dateWords(date))],
    ['Program', `blockpruner ${version}, schema ${schema}`],
    ['Ran on', runtime],
    ['Processor', processorWords(machine)],
    ['Memory', machine.memoryBytes === null ? 'not told' : gibibytes(machine.memoryBytes)],
    ['System', machine.system],
    ['Weights stored as', dtypes.join(', ')],
    ['Model hash', element('code', { class: 'hash' }, model.contentHash)],
    ['Data hash', element('code', { class: 'hash' }, data.hash)],
  ];
  return section(
    'provenance',
    'Where this comes from',
    command === undefined ? null : copyable('command', 'The command', command),
    scrollable('Where this comes from', factsTable(rows)),
    settings(provenance),
  );
}

/** A table of names and what they are. */
export function factsTable(rows: readonly (readonly [string, Child])[]): Markup {
  const body = rows.map(([name, value]) =>
    element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, value)),
  );
  return element('table', { class: 'conventions' }, element('tbody', {}, body));
}

/** Every setting, those that were not given too. */
function settings({ settings: all }: Provenance): Markup | null {
  const rows = Object.entries(all).filter(([, value]) => value !== undefined);
  if (rows.length === 0) return null;
  const table = factsTable(rows.map(([name, value]) => [name, element('code', {}, settingWords(value))]));
  return element(
    'details',
    {},
    element('summary', {}, `All ${plural(rows.length, 'setting')}`),
    scrollable('Settings', table),
  );
}

/** A setting's value as it would be typed; other than texts and numbers as JSON. */
export function settingWords(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(settingWords).join(', ');
  return JSON.stringify(value) ?? 'none';
}

/** `2026-11-28 03:20:11 UTC`; what is no date is shown as it is. */
function dateWords(date: string): string {
  const [, day, time] = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?Z$/.exec(date) ?? [];
  return day === undefined ? date : `${day} ${time} UTC`;
}

function processorWords({ processor, cores }: Provenance['machine']): string {
  return `${processor ?? 'not told'}, ${formatCount(cores)} ${cores === 1 ? 'core' : 'cores'}`;
}

function gibibytes(bytes: number): string {
  return `${formatSignificant(bytes / 2 ** 30, 3)}\u00A0GiB`;
}
