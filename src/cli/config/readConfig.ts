import { dirname, extname } from 'node:path';
import type { YAMLException } from 'js-yaml';
import { shortened, UsageError } from '../../errors.ts';
import { shortJson } from '../../formats/quoted.ts';
import { openFile } from '../../platform/nodeFile.ts';

/** A config file as it is written: keys with values of any type. */
export interface ConfigFile {
  /** As the user wrote it. */
  readonly path: string;
  /** Paths in the file count from here. */
  readonly folder: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** A config is some lines; what is larger is another file. */
const MOST_BYTES = 2 ** 20;

/**
 * Reads a .yaml, .yml or .json file.
 * @throws UsageError for a file that cannot be read, or that is not a list of keys and values.
 */
export async function readConfig(path: string): Promise<ConfigFile> {
  const ending = extname(path).toLowerCase();
  if (!['.yaml', '.yml', '.json'].includes(ending)) {
    throw new UsageError('is no config by its name.', { where: path, remedy: 'Give a .yaml, .yml or .json file.' });
  }
  const text = await readText(path);
  const values = await (ending === '.json' ? fromJson : fromYaml)(text, path);
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    const found = values === null || values === undefined ? 'nothing' : shortJson(values);
    throw new UsageError(`holds ${found} where keys and values are wanted.`, {
      where: path,
      remedy: ending === '.json' ? 'Write { "blocks": 4 } and so on.' : 'Write blocks: 4 and so on, a key a line.',
    });
  }
  return { path, folder: dirname(path), values: values as Record<string, unknown> };
}

async function readText(path: string): Promise<string> {
  try {
    const file = await openFile(path);
    try {
      if (file.size > MOST_BYTES) throw new UsageError('is over 1 MiB, which is no config.', { where: path });
      return new TextDecoder('utf-8', { fatal: true }).decode(await file.read(0, file.size));
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    if (cause instanceof TypeError) throw new UsageError('is not UTF-8 text.', { where: path, cause });
    throw new UsageError((cause as Error).message, { cause });
  }
}

/** JSON.parse takes the last of two equal keys without a word; the reader of YAML refuses them. */
async function fromJson(text: string, path: string): Promise<unknown> {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (cause) {
    throw malformed('JSON', (cause as Error).message, path, cause);
  }
  const { YAMLException, load } = await import('js-yaml');
  try {
    load(text);
  } catch (cause) {
    // JSON may hold what YAML reads otherwise, but not a key twice.
    if (cause instanceof YAMLException && cause.reason === TWICE) throw malformed('JSON', where(cause), path, cause);
  }
  return values;
}

/** As the parser says it. */
const TWICE = 'duplicated mapping key';

/** The types of JSON and no more: a date stays a text. The parser is loaded where one is needed. */
async function fromYaml(text: string, path: string): Promise<unknown> {
  const { CORE_SCHEMA, YAMLException, load } = await import('js-yaml');
  try {
    return load(text, { schema: CORE_SCHEMA });
  } catch (cause) {
    if (!(cause instanceof YAMLException)) throw cause;
    throw malformed('YAML', where(cause), path, cause);
  }
}

/** `duplicated mapping key at line 5, column 1` */
function where({ reason, mark }: YAMLException): string {
  // What is wrong with the whole text has no place.
  const place = mark as YAMLException['mark'] | undefined;
  return place === undefined ? reason : `${reason} at line ${place.line + 1}, column ${place.column + 1}`;
}

function malformed(form: string, why: string, path: string, cause: unknown): UsageError {
  const first = shortened(why.split('\n')[0].replace(/:$/, ''), 160);
  return new UsageError(`is malformed ${form}: ${first}.`, { where: path, cause });
}
