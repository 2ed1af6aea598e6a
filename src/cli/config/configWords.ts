/**
 * A config file as words of the command line: `blocks: 4` is `--blocks=4`. Keys are the flags
 * without `--`, exactly so, and the argument's name (`model`).
 */
import type { Command, Option } from 'commander';
import { InvalidArgumentError } from 'commander';
import { UsageError } from '../../errors.ts';
import { quoted, shortJson } from '../../formats/quoted.ts';
import { oneMore } from '../evalOptions.ts';
import type { NumberReader } from '../options.ts';
import { placed, placedModel } from './paths.ts';
import { readConfig, type ConfigFile } from './readConfig.ts';

/** The option that names the file. */
const CONFIG = 'config';

/**
 * The words of a command line with those that its --config file adds: what is given on the command
 * line itself wins.
 * @param words the command's name first.
 * @throws UsageError naming file, key and what is allowed.
 */
export async function withConfig(words: readonly string[], commands: readonly Command[]): Promise<string[]> {
  const [name, ...rest] = words;
  const command = commands.find((one) => one.name() === name && keyed(one).has(CONFIG));
  // The cheap look first: to parse is to complain about what is wrong, and that is done once.
  if (command === undefined || !rest.some((word) => /^--config(?:=|$)/.test(word))) return [...words];
  const { operands } = command.parseOptions(rest);
  const path = command.opts<{ config?: string }>().config;
  if (path === undefined) return [...words];
  const file = await readConfig(path);
  const isGiven = (option: Option): boolean => command.getOptionValueSource(option.attributeName()) === 'cli';
  return [name, ...wordsOf(file, command, isGiven, operands.length > 0), ...rest];
}

function wordsOf(
  file: ConfigFile,
  command: Command,
  isGiven: (option: Option) => boolean,
  hasArgument: boolean,
): string[] {
  const options = keyed(command);
  const argument = command.registeredArguments[0].name();
  const words: string[] = [];
  for (const [key, value] of Object.entries(file.values)) {
    const where = `${file.path}: ${quoted(key).slice(1, -1)}`;
    const option = options.get(key);
    if (key === 'command') checkCommand(value, command.name(), where);
    else if (key === argument) {
      if (typeof value !== 'string') throw wrongType(where, value, 'a text');
      if (!hasArgument) words.push(placedModel(value, file.folder, file.values.hub === true));
    } else if (option === undefined || key === CONFIG) {
      throw unknownKey(where, key, [argument, ...options.keys()], command);
    } else {
      const given = optionWords(option, value, where, file.folder);
      if (!isGiven(option)) words.push(...given);
    }
  }
  return words;
}

/** The options of a command by their keys. */
function keyed(command: Command): Map<string, Option> {
  return new Map(command.options.map((option) => [option.name(), option]));
}

function checkCommand(value: unknown, name: string, where: string): void {
  if (value === name) return;
  throw new UsageError(`is ${shortJson(value)}, and this is ${name}.`, {
    where,
    remedy: `Write ${name}, or leave it out.`,
  });
}

/** `--name=value` of one key; none where it is false. */
function optionWords(option: Option, value: unknown, where: string, folder: string): string[] {
  const flag = `--${option.name()}`;
  if (isFlag(option)) {
    if (typeof value !== 'boolean') throw wrongType(where, value, 'true or false');
    return value ? [flag] : [];
  }
  const texts = textsOf(option, value, where).map((text) => placed(option.name(), text, folder));
  for (const text of texts) checkValue(option, text, where);
  return texts.map((text) => `${flag}=${text}`);
}

/** An option without a value. */
export function isFlag(option: Option): boolean {
  return !option.required && !option.optional;
}

/** The texts that the command line would have: several where the option may be given again. */
function textsOf(option: Option, value: unknown, where: string): string[] {
  const isText = typeof value === 'string';
  const isNumber = typeof value === 'number';
  if (option.parseArg === oneMore) {
    if (isText) return [value];
    if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string')) return value;
    throw wrongType(where, value, 'a text or a list of texts');
  }
  if (isNumberOption(option)) {
    const { word } = option.parseArg as unknown as NumberReader<string>;
    if (isNumber || (isText && value === word)) return [String(value)];
    throw wrongType(where, value, word === undefined ? 'a number' : `a number, or ${word}`);
  }
  if (isText) return [value];
  // Readers of their own take numbers too: lanes: 8, ridge: 0.3.
  if (takesNumbers(option)) {
    if (isNumber) return [String(value)];
    throw wrongType(where, value, 'a text or a number');
  }
  throw wrongType(where, value, 'a text');
}

export function isNumberOption({ parseArg }: Option): boolean {
  return (parseArg as Partial<NumberReader> | undefined)?.range !== undefined;
}

function takesNumbers({ parseArg, argChoices }: Option): boolean {
  return parseArg !== undefined && argChoices === undefined;
}

/** @throws UsageError with what the option's own reader says. */
function checkValue(option: Option, text: string, where: string): void {
  try {
    option.parseArg?.(text, undefined);
  } catch (cause) {
    if (!(cause instanceof InvalidArgumentError)) throw cause;
    throw new UsageError(`${quoted(text)} does not go.`, { where, remedy: cause.message, cause });
  }
}

function wrongType(where: string, value: unknown, wanted: string): UsageError {
  const number = wanted === 'a text' && typeof value === 'number' ? ' in quotes' : '';
  return new UsageError(`is ${value === null ? 'empty' : shortJson(value)}.`, {
    where,
    remedy: `Write ${wanted}${number}.`,
  });
}

function unknownKey(where: string, key: string, keys: readonly string[], command: Command): UsageError {
  const likely = keys.filter((one) => plain(one) === plain(key));
  const allowed =
    likely.length > 0
      ? `Write ${likely[0]}.`
      : `Keys are its options without --, and ${keys[0]}: ${keys.slice(1).join(', ')}.`;
  return new UsageError(`is no key of ${command.name()}.`, { where, remedy: allowed });
}

/** Letters alone: `maxPpl`, `max_ppl` and `--max-ppl` are one. */
function plain(key: string): string {
  return key.toLowerCase().replaceAll(/[^a-z]/g, '');
}
