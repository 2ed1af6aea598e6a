/** What `prune --method` takes: the name of a method of the house, or a module that exports one. */
import { createHash } from 'node:crypto';
import { isAbsolute } from 'node:path';
import { FormatError, UsageError } from '../errors.ts';
import { readTextFile } from '../platform/nodeFile.ts';
import type { Method } from '../prune/method.ts';
import { methods, requireMethod } from '../prune/methods/all.ts';
import { loadModule } from './loadModule.ts';

/** `./mine.ts`, `../mine.ts`, `/home/me/mine.ts`. */
export function isMethodFile(argument: string): boolean {
  return /^\.\.?[/\\]/.test(argument) || isAbsolute(argument);
}

/**
 * The method that the argument names. One from a module has the hash of the module's file for its
 * version, so that no journal goes on under other code; what the module imports is not in it.
 * @throws UsageError for an unknown name; NotFoundError or FormatError naming the file.
 */
export async function loadMethod(argument: string): Promise<Method> {
  if (!isMethodFile(argument)) return requireMethod(argument);
  const source = await readTextFile(argument);
  const method = checkMethod((await loadModule(argument)).method, argument);
  return {
    name: method.name,
    summary: method.summary,
    paper: method.paper,
    needs: method.needs,
    version: createHash('sha256').update(source).digest('hex'),
    check: (given, config) => method.check(given, config),
    run: (subject, settings, budget) => method.run(subject, settings, budget),
  };
}

function checkMethod(value: unknown, where: string): Method {
  if (typeof value !== 'object' || value === null) {
    throw new FormatError('exports no `method`.', {
      where,
      remedy: 'Write `export const method: Method = { … }` (src/prune/README.md).',
    });
  }
  const { name, needs, check, run } = value as Partial<Record<keyof Method, unknown>>;
  const wrong = (what: string): FormatError => new FormatError(`the method it exports has no ${what}.`, { where });
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,39}$/.test(name)) {
    throw wrong('name of small letters, digits and hyphens');
  }
  if (methods.some((own) => own.name === name)) {
    throw new UsageError(`'${name}' is a built-in method.`, { where, remedy: 'Give it another name.' });
  }
  if (!Array.isArray(needs) || !needs.every((need) => ['calibration', 'taps', 'gradients'].includes(need as string))) {
    throw wrong("list of needs ('calibration', 'taps', 'gradients')");
  }
  if (typeof check !== 'function') throw wrong('function `check`');
  if (typeof run !== 'function') throw wrong('generator function `run`');
  return value as Method;
}

/**
 * `--set alpha=0.5,greedy=true`: a method's settings by name; true, false and numbers are what they
 * say, the rest is text.
 * @throws UsageError for what is no such list.
 */
export function readSet(text: string | undefined): Record<string, boolean | number | string> {
  const settings: Record<string, boolean | number | string> = {};
  for (const pair of text?.split(',') ?? []) {
    const [, name, value] = /^\s*([A-Za-z]\w*)=(.*)$/.exec(pair) ?? [];
    if (name === undefined || Object.hasOwn(settings, name)) {
      throw new UsageError(
        `--set ${pair.slice(0, 40)}: ${name === undefined ? 'is not a setting' : 'is given twice'}.`,
        {
          remedy: 'Give name=value, and a comma between two.',
        },
      );
    }
    settings[name] = valueOf(value);
  }
  return settings;
}

function valueOf(text: string): boolean | number | string {
  if (text === 'true' || text === 'false') return text === 'true';
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
