import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { withoutDataEnding } from '../eval/dataForm.ts';

/** Bytes of a name's readable part; file systems allow 255 for a whole name. */
const LONGEST = 80;

/**
 * Where a run's results go without --out: `runs/<model>-<data>-<8 hex digits>`, and for a method
 * other than BlockPruner `runs/<model>-<data>-<method>-<8 hex digits>`. Of several files `<data>`
 * is the first, with how many more (`text-and-2-more`). The digits are of all full paths (or the
 * hub id), so that no two models, and no two texts, ever share a folder: not those whose names
 * differ only in what a folder's name cannot hold, and not those of one name in two places. Paths
 * count from the working folder, in which runs/ lies too.
 * @param model as the user wrote it: a path or a hub id. @param revision of the hub.
 */
export async function defaultRunFolder(
  model: string,
  revision: string | undefined,
  data: readonly string[],
  method: string = 'blockpruner',
): Promise<string> {
  const places = [await place(model), revision ?? '', ...(await Promise.all(data.map(place)))];
  const digest = createHash('sha256').update(JSON.stringify(places)).digest('hex').slice(0, 8);
  const suffix = method === 'blockpruner' ? '' : `-${method}`;
  const more = data.length > 1 ? `-and-${data.length - 1}-more` : '';
  return join('runs', `${plainName(model)}-${plainName(data[0])}${more}${suffix}-${digest}`);
}

async function place(path: string): Promise<string> {
  return realpath(path).then(
    (found) => relative(process.cwd(), found).replaceAll(sep, '/'),
    () => path,
  );
}

/**
 * The readable part: `org/model` → `model`, `x.gguf` → `x`, letters of every script as they are.
 */
function plainName(path: string): string {
  const name = basename(path);
  const plain = (/\.gguf$/i.test(name) ? name.slice(0, -5) : withoutDataEnding(name))
    .normalize('NFC')
    .replaceAll(/[^\p{L}\p{M}\p{N}_.-]+/gu, '_');
  let bytes = 0;
  let kept = '';
  for (const char of plain) {
    bytes += Buffer.byteLength(char);
    if (bytes > LONGEST) break;
    kept += char;
  }
  return kept;
}
