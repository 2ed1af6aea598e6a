/** How a command was called, for its document: without what is private in the user's paths. */
import type { Command } from 'commander';
import { isAbsolute, relative, sep } from 'node:path';
import { fileName } from '../eval/dataForm.ts';
import { thisMachine } from '../platform/nodeMachine.ts';
import type { Origin } from '../prune/provenance.ts';
import { shellWord } from '../prune/report/nextSection.ts';

/**
 * The call of a command.
 * @param command as commander hands it to an action.
 * @param found settings that were not given and are known by now.
 */
export function originOf(command: Command, found: Readonly<Record<string, unknown>> = {}): Origin {
  const [model] = command.processedArgs as unknown[];
  const settings = { model, ...command.opts<Record<string, unknown>>(), ...found };
  return { ...thisMachine(), command: typed(command), settings: shortened(settings) as Record<string, unknown> };
}

/** `blockpruner prune m.gguf --data 'my text.txt'` */
function typed(command: Command): string {
  return ['blockpruner', ...wordsOf(command).map(shortWord)].map(shellWord).join(' ');
}

/** The words of the whole call; commander keeps them where its parsing began. */
function wordsOf(command: Command): readonly string[] {
  return command.parent === null ? (command as Command & { rawArgs: string[] }).rawArgs : wordsOf(command.parent);
}

/** Of `--out=/home/me/runs/a` only the path behind the sign is one. */
function shortWord(word: string): string {
  const [, option = '', value = word] = /^(--[\w-]+=)(.*)$/s.exec(word) ?? [];
  return option + shortPath(value);
}

/** Any value of an option, its texts as `shortPath` gives them. */
function shortened(value: unknown): unknown {
  if (typeof value === 'string') return shortPath(value);
  if (Array.isArray(value)) return value.map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, shortened(field)]));
}

/**
 * A path from the root as one below the working folder, or else its last part; any other text as it
 * is.
 */
export function shortPath(text: string): string {
  if (!isAbsolute(text) && !/^[A-Za-z]:[/\\]./.test(text)) return text;
  const below = isAbsolute(text) ? relative(process.cwd(), text) : '..';
  return below === '' ? '.' : below === '..' || below.startsWith(`..${sep}`) ? fileName(text) : below;
}
