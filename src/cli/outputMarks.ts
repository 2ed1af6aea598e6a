/** By what the files of an earlier run are recognised. */
import { KEPT_CONFIG } from './config/keptConfig.ts';

/** The commands that write. */
export type OutputKind = 'prune' | 'repair' | 'repair --write' | 'heal' | 'train';

/** Whether a file that begins so is a command's own. */
type Mark = (beginning: string) => boolean;

const document =
  (schema: string): Mark =>
  (text) =>
    new RegExp(`^\\{\\s*"schema":\\s*"blockpruner\\.${schema}/`).test(text);
/** A checkpoint: safetensors whose metadata say how many steps are done, of which run. */
const checkpoint: Mark = (text) => {
  return text.startsWith('{"__metadata__":{', 8) && text.includes('"steps":') && text.includes('"identity":');
};
/**
 * JSON lines, the first of one of these types; a file without a line holds nothing that could be
 * lost.
 */
const records =
  (...types: string[]): Mark =>
  (text) =>
    text === '' || new RegExp(`^\\{[^\n]*"type":"(?:${types.join('|')})"`).test(text);
const config =
  (command: string): Mark =>
  (text) =>
    new RegExp(`^\\{\\s*"command": "${command}"`).test(text);
/** A sweep that is under way (courseFile.ts). */
const walk: Mark = (text) => text.startsWith('blockpruner walk ');
/** Whether a file that begins so is a report, of one run or of several. */
export const isReport: Mark = (text) => text.includes('class="kicker">Block pruning report');
const curve: Mark = (text) => text.startsWith('<svg ');

/**
 * The files each command writes, relative to --out. Those with a mark tell by themselves whose they
 * are; those without (null) are a command's own where one with a mark lies beside them.
 */
export const markedFiles: Readonly<Record<OutputKind, Readonly<Record<string, Mark | null>>>> = {
  prune: {
    'journal.jsonl': records('header'),
    'walk.state': walk,
    'result.json': document('prune'),
    [KEPT_CONFIG]: config('prune'),
    'del_order_list.json': null,
    'report.html': isReport,
  },
  repair: {
    'journal.jsonl': records('header'),
    'repair.json': document('repair'),
    [KEPT_CONFIG]: config('repair'),
    'del_order_list.json': null,
  },
  'repair --write': {
    'repaired.json': document('repaired'),
    'config.json': null,
    'model.safetensors': null,
    'del_order_list.json': null,
  },
  heal: {
    'healing.json': document('heal'),
    [KEPT_CONFIG]: config('heal'),
    'healing.checkpoint': checkpoint,
    'config.json': null,
    'model.safetensors': null,
    'del_order_list.json': null,
  },
  train: {
    'training/training.json': document('training'),
    [`training/${KEPT_CONFIG}`]: config('train'),
    'training/checkpoint.safetensors': checkpoint,
    'training/log.jsonl': records('step', 'measured'),
    'training/loss.svg': curve,
    'config.json': null,
    'model.safetensors': null,
    'tokenizer.json': null,
  },
};
