import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { NotFoundError, UsageError } from '../errors.ts';
import { accessError } from '../platform/nodeFile.ts';
import { writeFileWhole } from '../platform/nodeFolder.ts';
import { readResult } from '../prune/readResult.ts';
import { namedRuns, warningsOf } from '../prune/report/comparedRuns.ts';
import { renderReport } from '../prune/report/report.ts';
import type { PruneResult } from '../prune/result.ts';
import { checkOutputFile } from './outputFolder.ts';
import { isReport } from './outputMarks.ts';
import { Terminal } from './terminal.ts';

export interface ReportOptions {
  out?: string;
  force: boolean;
  quiet: boolean;
}

/** Where several runs side by side go without --out. */
const COMPARISON = 'comparison.html';

/**
 * `blockpruner report DIR…`: draws a run's report anew, from its result.json of whatever version;
 * several runs side by side on one page.
 */
export async function reportCommand(folders: readonly string[], options: ReportOptions): Promise<void> {
  const terminal = new Terminal({ ...options, json: false });
  const files = folders.map((folder) => join(folder, 'result.json'));
  await refuseTwice(folders);
  const results: PruneResult[] = [];
  for (const [index, file] of files.entries()) results.push(readResult(await read(file, folders[index]), file));
  const out = options.out ?? (folders.length === 1 ? join(folders[0], 'report.html') : COMPARISON);
  await checkOutputFile({ file: out, isOurs: isReport, what: 'a report', reads: files, force: options.force });
  const names = namesOf(folders);
  await writeFileWhole(out, renderReport(results, names));
  for (const warning of warningsOf(namedRuns(results, names))) terminal.warn(warning);
  terminal.result(`report: ${out}`);
}

/** @throws UsageError for one folder in two spellings: a run beside itself shows nothing. */
async function refuseTwice(folders: readonly string[]): Promise<void> {
  const real = await Promise.all(folders.map((folder) => realpath(folder).catch(() => resolve(folder))));
  const twice = folders.find((_, index) => real.indexOf(real[index]) !== index);
  if (twice !== undefined) throw new UsageError('is given twice.', { where: twice, remedy: 'Give each run once.' });
}

/** @throws NotFoundError where the folder, or a result in it, is not there. */
async function read(file: string, folder: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (!['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw accessError(file, cause);
    const found = await stat(folder).catch(() => null);
    const what =
      found === null ? 'there is no such folder' : found.isDirectory() ? 'has no result.json' : 'is not a folder';
    throw new NotFoundError(`${what}.`, {
      where: folder,
      remedy: 'Give a folder that prune wrote, after its run has ended.',
      cause,
    });
  }
}

/** The folders' own names; equal ones are numbered. */
function namesOf(folders: readonly string[]): string[] {
  const names = folders.map((folder) => basename(resolve(folder)));
  return names.map((name, index) => {
    const before = names.slice(0, index).filter((other) => other === name).length;
    return before === 0 ? name : `${name} (${before + 1})`;
  });
}
