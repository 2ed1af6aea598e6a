import { dirname, extname } from 'node:path';
import type { Document } from 'yaml';
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

/** JSON.parse takes the last of two equal keys without a word; the reader of YAML finds them. */
async function fromJson(text: string, path: string): Promise<unknown> {
  try {
    const values = JSON.parse(text) as unknown;
    const { errors } = await parseYaml(text);
    const twice = errors.find(({ code }) => code === 'DUPLICATE_KEY');
    if (twice !== undefined) throw twice;
    return values;
  } catch (cause) {
    throw malformed('JSON', cause as Error, path);
  }
}

async function fromYaml(text: string, path: string): Promise<unknown> {
  const document = await parseYaml(text);
  try {
    const [problem] = [...document.errors, ...document.warnings];
    if (problem !== undefined) throw problem;
    return document.toJS({ maxAliasCount: 100 }) as unknown;
  } catch (cause) {
    throw malformed('YAML', cause as Error, path);
  }
}

/** The parser is loaded where a config is given. With `error`, a second document counts. */
async function parseYaml(text: string): Promise<Document.Parsed> {
  const { parseDocument } = await import('yaml');
  return parseDocument(text, { logLevel: 'error' });
}

/** The first line of the parser's message says what and where; a picture follows. */
function malformed(form: string, cause: Error, path: string): UsageError {
  const why = shortened(cause.message.split('\n')[0].replace(/:$/, ''), 160);
  return new UsageError(`is malformed ${form}: ${why}.`, { where: path, cause });
}
