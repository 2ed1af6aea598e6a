import { basename, join } from 'node:path';
import { withoutDataEnding } from '../eval/dataForm.ts';
import type { PruneKind } from '../prune/candidates.ts';

/** Bytes of a name's readable part; file systems allow 255 for a whole name. */
const LONGEST = 80;

/** What the name of a run's folder says of it. */
export interface NamedRun {
  /** As the user wrote it: a path or a hub id. */
  readonly model: string;
  readonly data: readonly string[];
  readonly method: string;
  readonly kind: PruneKind;
  /** Differs for any two runs whose results would differ: `runDigest`. */
  readonly digest: string;
}

/**
 * Where a run's results go without --out: `runs/<model>-<data>-<8 hex digits>`, with the method and
 * the kind before the digits where they are not the usual ones. Of several files `<data>` is the
 * first, with how many more (`text-and-2-more`). No two runs share a folder, however alike they are
 * called, and the same command finds its own again.
 */
export function defaultRunFolder({ model, data, method, kind, digest }: NamedRun): string {
  const more = data.length > 1 ? `-and-${data.length - 1}-more` : '';
  const how = `${method === 'blockpruner' ? '' : `-${method}`}${kind === 'mix' ? '' : `-${kind}`}`;
  return join('runs', `${plainName(model)}-${plainName(data[0])}${more}${how}-${digest.slice(0, 8)}`);
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
