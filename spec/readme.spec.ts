/** README.md's table is what npm start prints. (What else it shows: spec/pages.) */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { program } from '../src/cli/program.ts';
import { blockpruner } from './cli/command.ts';
import { Page } from './pages/page.ts';
import { root } from './sources.ts';

const readme = new Page('README.md');
const folder = mkdtempSync(join(tmpdir(), 'blockpruner-readme-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('README.md', () => {
  it('shows the table that npm start prints', async () => {
    const { start } = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } })
      .scripts;
    const args = start.split('src/cli/main.ts ')[1].split(' ');
    const { code, stdout } = await blockpruner([...args, '--out', join(folder, 'start'), '--quiet']);
    expect(code).toBe(0);
    const table = readme.fenced('').find((fence) => fence.code.startsWith('step  removed'));
    expect(stdout).toContain(table?.code);
    expect(existsSync(join(folder, 'start', 'report.html'))).toBe(true);
  });

  it('has the two commands, and every command of the program in its table', () => {
    expect(readme.fenced('sh')[0].code).toBe('npm ci && npm start\nnpm ci && npm test\n');
    for (const { name } of program().commands.map((command) => ({ name: command.name() })))
      expect(readme.text).toContain(`| \`${name}\` `);
  });
});
