import type { Command, Option } from 'commander';
import { describe, expect, it } from 'vitest';
import { oneMore } from '../../src/cli/evalOptions.ts';
import { program } from '../../src/cli/program.ts';

/** A value that the option's own reader takes. */
function valueOf(option: Option): string[] {
  if (!option.required && !option.optional) return [];
  if (option.argChoices !== undefined) return [option.argChoices[0]];
  const numeric = option.parseArg !== undefined;
  if (option.long === '--memory') return ['1GB'];
  if (option.long === '--lanes') return ['8'];
  if (option.long === '--protect') return ['L0'];
  if (['--ratio', '--confidence', '--top-p'].includes(option.long ?? '')) return ['0.9'];
  return [numeric ? '2' : 'x'];
}

const isVersion = ({ long }: Option): boolean => long === '--version' || long === '--debug';
/** Of which every value counts. */
const isList = ({ parseArg }: Option): boolean => parseArg === oneMore;
const cases = program().commands.flatMap((command) => {
  return command.options
    .filter((option) => !isVersion(option) && !isList(option))
    .map((option) => [command.name(), option] as const);
});

describe('an option of which one value counts', () => {
  it.each(cases.map(([name, option]) => [name, option.long ?? '', valueOf(option)] as const))(
    '%s %s: is refused when it is given twice',
    async (name, long, value) => {
      const written: string[] = [];
      const root = program();
      for (const command of [root, ...root.commands]) silence(command, written);
      const args = [name, 'model', long, ...value, long, ...value];
      await expect(root.parseAsync(args, { from: 'user' })).rejects.toMatchObject({ code: 'commander.error' });
      expect(written.join('')).toContain(`${long}`);
      expect(written.join('')).toContain('is given twice');
    },
  );
});

function silence(command: Command, written: string[]): void {
  command.configureOutput({ writeErr: (text) => written.push(text) });
}
