/** Results as Markdown: a section for each bench, conditions first. */
import { formatCount, formatPercent, formatSignificant } from '../src/drawing/numbers.ts';
import { curveTables } from './curveTables.ts';
import { benchNames, type BenchDocument, type BenchRun, type Row } from './document.ts';

export function resultsTable({ runs }: BenchDocument): string {
  const sections = benchNames.flatMap((name) => {
    const run = runs[name];
    return run === undefined ? [] : [section(name, run)];
  });
  return `${sections.join('\n')}`;
}

function section(name: string, run: BenchRun): string {
  const { machine, peaks, notes = [] } = run;
  const rows = run.rows.filter(({ curve }) => curve === undefined);
  const conditions = [
    run.date.slice(0, 16).replace('T', ' '),
    `${machine.processor}, ${machine.threads} threads, ${machine.memoryGiB} GiB`,
    `${machine.system}, Node ${machine.node}`,
    `commit ${run.commit ?? 'unknown'}`,
    `load average ${run.load.join(' → ')}`,
    `\`${run.command}\``,
  ];
  const lines = [
    `## ${name}${run.quick ? ' (quick: the figures say nothing)' : ''}`,
    '',
    `${conditions.join(' · ')}`,
    '',
  ];
  if (peaks.length > 0) {
    lines.push('Peaks of one thread in the same rounds:', '');
    lines.push(...peaks.map(({ what, value, unit }) => `- ${what}: ${formatSignificant(value)} ${unit}`), '');
  }
  lines.push(...notes.map((note) => `- ${note}`), ...(notes.length > 0 ? [''] : []), ...curveTables(run.rows));
  lines.push(
    '| what | engine | threads | median | unit | ± | of peak | by CPU time | CPUs | |',
    '| --- | --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | --- |',
  );
  lines.push(...rows.map(tableRow), '');
  return lines.join('\n');
}

function tableRow({ name, engine, threads, unit, ...row }: Row): string {
  const figure = (value: number): string => (unit === 'block passes' ? formatCount(value) : formatSignificant(value));
  const percent = (share: number | null): string => (share === null ? '' : formatPercent(share));
  const cells = [
    name,
    engine,
    threads === 0 ? '' : threads,
    figure(row.value),
    unit,
    percent(row.spread),
    percent(row.share),
  ];
  cells.push(row.byCpu === null ? '' : figure(row.byCpu), row.cpus?.toFixed(1) ?? '', row.note ?? '');
  return `| ${cells.join(' | ')} |`;
}
