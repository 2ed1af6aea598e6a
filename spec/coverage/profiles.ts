/**
 * How often parts of source files ran, by the profiles that V8 writes where NODE_V8_COVERAGE names
 * a folder.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Branch, Span } from './branches.ts';

interface Range {
  startOffset: number;
  endOffset: number;
  count: number;
}

interface Script {
  url: string;
  functions: { ranges: Range[] }[];
}

/**
 * How often each branch was taken, over all processes and threads. A file that no process loaded
 * has zeros.
 * @param branches by the absolute path of their file.
 */
export function countsOf(folder: string, branches: ReadonlyMap<string, readonly Branch[]>): Map<string, number[]> {
  const counts = new Map([...branches].map(([path, list]) => [path, list.map(() => 0)]));
  const paths = new Map([...branches.keys()].map((path) => [pathToFileURL(path).href, path]));
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { result: Script[] };
    for (const script of result) {
      const path = paths.get(script.url.replace(/\?.*$/, ''));
      if (path === undefined) continue;
      const sums = counts.get(path) ?? [];
      (branches.get(path) ?? []).forEach(({ taken, less }, index) => {
        sums[index] += countOf(script, taken) - (less === null ? 0 : countOf(script, less));
      });
    }
  }
  return counts;
}

/**
 * The count of the innermost range around a span. What a function within the span did is its own
 * affair.
 */
function countOf({ functions }: Script, { start, end }: Span): number {
  let innermost: Range | null = null;
  for (const { ranges } of functions)
    ranges.forEach((range, index) => {
      if (range.startOffset > start || range.endOffset <= start) return;
      if (index === 0 && range.endOffset <= end && range.startOffset === start) return;
      const smaller =
        innermost === null || range.endOffset - range.startOffset <= innermost.endOffset - innermost.startOffset;
      if (smaller) innermost = range;
    });
  return (innermost as Range | null)?.count ?? 0;
}
