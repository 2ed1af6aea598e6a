/** `--config`: a file gives what the command line would. */
import { fc, test } from '@fast-check/vitest';
import type { Command, Option } from 'commander';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { withConfig } from '../../src/cli/config/configWords.ts';
import { resolvedConfig } from '../../src/cli/config/keptConfig.ts';
import { pathOptions } from '../../src/cli/config/paths.ts';
import { oneMore } from '../../src/cli/evalOptions.ts';
import { program } from '../../src/cli/program.ts';
import { rangeOf } from './cases/ranges.ts';
import { inProcess } from './inProcess.ts';
import { PLANTED, TEXT } from './wrongInput.ts';

const folder = mkdtempSync(join(tmpdir(), 'blockpruner-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);

const isConfigured = (command: Command): boolean => command.options.some(({ long }) => long === '--config');
const names = program()
  .commands.filter(isConfigured)
  .map((command) => command.name());

interface Parsed {
  argument: string;
  options: Record<string, unknown>;
  command: Command;
}

/** What a command's action would get; null where the line is refused. */
async function parse(words: readonly string[]): Promise<Parsed> {
  const root = program();
  let parsed: Parsed | undefined;
  for (const command of root.commands) {
    command.action((argument: string, options: Record<string, unknown>) => {
      parsed = { argument, options, command };
    });
  }
  await root.parseAsync(await withConfig(words, program().commands), { from: 'user' });
  if (parsed === undefined) throw new Error('no action was run');
  return parsed;
}

/** Readers that have neither choices nor a range, by what they take. */
const own: Readonly<Record<string, fc.Arbitrary<string>>> = {
  memory: fc.constantFrom('2GB', '512MB', '1.5G', '1048576'),
  lanes: fc.constantFrom('4', '8'),
  ridge: fc.constantFrom('0.3', '0.1,0.3,1'),
  'max-increase': fc.constantFrom('20', '0.5', '12.5%', '0'),
  protect: fc.constantFrom('L0', 'L0.mha,L3'),
};
/** Texts that YAML and JSON would take for something else, and any others. */
const text = fc.oneof(
  fc.constantFrom('true', '0.5', '~', '#', ' a ', '- b', 'x: y', '\\n'),
  fc.string({ minLength: 1 }),
);

/** A value as the command line has it; several for an option that may be given again. */
function valuesOf(option: Option): fc.Arbitrary<string[]> {
  const one = (value: fc.Arbitrary<string>): fc.Arbitrary<string[]> => value.map((chosen) => [chosen]);
  if (!option.required) return fc.constant([]);
  if (option.argChoices !== undefined) return one(fc.constantFrom(...option.argChoices));
  const range = rangeOf(option);
  if (range !== null) {
    const { whole, min, max, above = false, below = false } = range;
    const bounds = { min, max, minExcluded: above, maxExcluded: below, noNaN: true };
    return one((whole ? fc.integer({ min, max: Math.min(max, 2 ** 31) }) : fc.double(bounds)).map(String));
  }
  if (option.name() in own) return one(own[option.name()]);
  if (option.parseArg === oneMore) return fc.array(text, { minLength: 1, maxLength: 3 });
  return one(text);
}

/** Options of a command with values, each or not; what is required is always there. */
function givenOf(name: string): fc.Arbitrary<Map<Option, string[]>> {
  const all = program().commands.find((command) => command.name() === name)?.options ?? [];
  const options = all.filter(({ long }) => long !== '--config');
  const isNeeded = ({ mandatory, long }: Option): boolean => mandatory || long === '--data';
  const values = options.map((option) => (isNeeded(option) ? valuesOf(option) : fc.option(valuesOf(option))));
  return fc.tuple(...values).map((chosen) => {
    const given = options.map((option, index) => [option, chosen[index]] as const);
    // One of two that do not go together is enough.
    const both = given.filter(([option, one]) => one !== null && ['--json', '--csv'].includes(option.long ?? ''));
    const left = given.filter(([option, one]) => one !== null && (both.length < 2 || option.long !== '--csv'));
    return new Map(left.map(([option, one]) => [option, one ?? []] as const));
  });
}

function wordsOf(given: ReadonlyMap<Option, string[]>): string[] {
  return [...given].flatMap(([option, values]) => {
    return option.required ? values.map((value) => `${option.long}=${value}`) : [option.long ?? ''];
  });
}

/** The same as keys and values. */
function config(given: ReadonlyMap<Option, string[]>): Record<string, unknown> {
  return Object.fromEntries(
    [...given].map(([option, values]) => {
      if (!option.required) return [option.name(), true];
      if (option.parseArg === oneMore) return [option.name(), values.length === 1 ? values[0] : values];
      return [option.name(), rangeOf(option) === null ? values[0] : Number(values[0])];
    }),
  );
}

function write(name: string, values: unknown): string {
  writeFileSync(at(name), name.toLowerCase().endsWith('.json') ? JSON.stringify(values) : stringify(values));
  return at(name);
}

/** Paths from the config's folder, as the working folder has them. */
const inFolder = (value: string): string => (value.startsWith('/') || value === '' ? value : join(folder, value));

describe.each(names)('a config for %s', (name) => {
  const argument = name === 'train' ? 'recipe' : 'model';

  test.prop([givenOf(name), fc.constantFrom('run.yaml', 'run.yml', 'run.json', 'RUN.JSON')], { numRuns: 25 })(
    'gives the options that its keys would give as flags',
    async (given, file) => {
      const placed = new Map(
        [...given].map(([option, values]) => [
          option,
          pathOptions.includes(option.name()) ? values.map(inFolder) : values,
        ]),
      );
      const path = write(file, { [argument]: 'tiny:planted', ...config(given) });
      const { options: expected } = await parse([name, 'tiny:planted', ...wordsOf(placed)]);
      const { options, command } = await parse([name, '--config', path]);
      expect({ ...options, config: undefined }).toEqual({ ...expected, config: undefined });
      expect(command.args).toEqual(['tiny:planted']);
    },
  );

  test.prop([givenOf(name), givenOf(name)], { numRuns: 15 })('gives way to the command line', async (first, second) => {
    fc.pre(![...first.keys(), ...second.keys()].some(({ long }) => long === '--csv'));
    const path = write('run.yaml', { [argument]: 'tiny:nowhere', ...config(first) });
    const { options } = await parse([name, 'tiny:planted', '--config', path, ...wordsOf(second)]);
    const { options: alone } = await parse([name, 'tiny:planted', ...wordsOf(second)]);
    for (const option of second.keys()) expect(options[option.attributeName()]).toEqual(alone[option.attributeName()]);
  });

  test.prop([givenOf(name)], { numRuns: 25 })('that is kept beside a result gives its options again', async (given) => {
    const kept = new Set(['fresh', 'force', 'json', 'csv', 'quiet', 'config', 'plan', 'out']);
    const out = at('runs/some');
    mkdirSync(out, { recursive: true });
    const { options: before, command } = await parse([name, PLANTED, ...wordsOf(given)]);
    writeFileSync(join(out, 'run.json'), JSON.stringify(resolvedConfig(command, out, out)));
    const { options: after, argument: model } = await parse([name, '--config', join(out, 'run.json')]);
    const resolved = (options: Record<string, unknown>): unknown =>
      Object.fromEntries(
        Object.entries(options)
          .filter(([key]) => !kept.has(key))
          .map(([key, value]) => {
            if (!pathOptions.includes(key)) return [key, value];
            return [key, Array.isArray(value) ? value.map((path: string) => resolve(path)) : resolve(String(value))];
          }),
      );
    expect(resolved(after)).toEqual(resolved(before));
    expect(resolve(model)).toBe(PLANTED);
    if ('out' in after) expect(resolve(String(after.out))).toBe(out);
  });
});

describe('a kept config', () => {
  const yaml = 'model: model\ndata: [text.txt]\ntokens: 768\nblocks: 2\nout: out\nquiet: true\n';

  it('runs the same again from any folder, and goes on where the run was', async () => {
    const home = at('home');
    mkdirSync(join(home, 'deep/er'), { recursive: true });
    writeFileSync(join(home, 'text.txt'), readFileSync(TEXT));
    writeFileSync(join(home, 'run.yaml'), yaml.replace('model: model', `model: ${relative(home, PLANTED)}`));
    expect(await inProcess(['prune', '--config', 'run.yaml'], { cwd: home })).toMatchObject({ code: 0, stderr: '' });
    const kept = JSON.parse(readFileSync(join(home, 'out/run.json'), 'utf8')) as Record<string, unknown>;
    expect(kept).toMatchObject({
      command: 'prune',
      data: ['../text.txt'],
      tokens: 768,
      blocks: 2,
      kind: 'mix',
      out: '.',
    });
    expect(kept).not.toHaveProperty('quiet');
    const removed = (): string[] => {
      return (JSON.parse(readFileSync(join(home, 'out/result.json'), 'utf8')) as { removed: string[] }).removed;
    };
    const first = removed();
    const again = ['prune', '--config', '../../out/run.json', '--blocks', '3'];
    const { code, stderr } = await inProcess(again, { cwd: join(home, 'deep/er') });
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('resuming from');
    expect(first).toHaveLength(2);
    expect(removed().slice(0, 2)).toEqual(first);
    expect(removed()).toHaveLength(3);
  });

  it('is no config of another command', async () => {
    const { code, stderr } = await inProcess(['repair', '--config', at('home/out/run.json')], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/run\.json: command: is 'prune', and this is repair\./);
  });
});

describe('a hub id in a config', () => {
  it('stays an id, unless it is a path from the file', async () => {
    mkdirSync(at('owner/name'), { recursive: true });
    const path = write('hub.yaml', { model: 'owner/name', prompt: 'x' });
    expect((await parse(['generate', '--config', path])).argument).toBe(at('owner/name'));
    write('hub.yaml', { model: 'owner/name', prompt: 'x', hub: true });
    expect((await parse(['generate', '--config', path])).argument).toBe('owner/name');
    write('hub.yaml', { model: 'owner/other', prompt: 'x' });
    expect((await parse(['generate', '--config', path])).argument).toBe('owner/other');
    write('hub.yaml', { model: './owner/other', prompt: 'x' });
    expect((await parse(['generate', '--config', path])).argument).toBe(at('owner/other'));
  });
});

it('every option whose value is a text is a path, or is listed here as none', () => {
  const texts = new Set([
    '--field',
    '--join',
    '--prompt',
    '--revision',
    '--set',
    '--system',
    '--mask',
    '--method',
    '--memory',
    '--lanes',
    '--ridge',
    '--max-increase',
    '--protect',
    '--stop',
  ]);
  const options = program()
    .commands.filter(isConfigured)
    .flatMap((command) => command.options)
    .filter((option) => option.required && option.argChoices === undefined && rangeOf(option) === null);
  const unknown = options.map(({ long }) => long ?? '').filter((long) => !texts.has(long) && long !== '--config');
  expect(new Set(unknown)).toEqual(new Set(pathOptions.map((name) => `--${name}`)));
});
