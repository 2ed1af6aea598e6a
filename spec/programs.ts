/**
 * Programs of README, guide and examples, run as a user would run them where blockpruner is
 * installed.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface Program {
  /** The file's name: `sweep.mjs`. */
  readonly name: string;
  readonly code: string;
  readonly args?: readonly string[];
}

export interface ProgramOutcome {
  stdout: string;
  /** Files that the program wrote into its folder, in order of their names. */
  written: string[];
}

/** The code with this checkout in place of the installed package. */
export function fromCheckout(code: string): string {
  return code.replaceAll("'blockpruner'", `'${pathToFileURL(join(root, 'src/index.ts')).href}'`);
}

/**
 * A new folder inside `parent` where tiny-models lies as in the checkout, so that nothing is
 * written here.
 */
export function programFolder(parent: string): string {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'program-'));
  symlinkSync(join(root, 'tiny-models'), join(folder, 'tiny-models'));
  return folder;
}

/** Between the outputs of two programs. */
const BORDER = '\u241e\n';

/**
 * Runs programs one after the other, each in a folder of its own. One process runs them all, so
 * that the engine is loaded once.
 */
export async function runPrograms(programs: readonly Program[], parent: string): Promise<ProgramOutcome[]> {
  const folders = programs.map(({ name, code }) => {
    const folder = programFolder(parent);
    writeFileSync(join(folder, name), fromCheckout(code));
    return folder;
  });
  const calls = programs.map(({ name, args = [] }, index) => ({ folder: folders[index], name, args }));
  const runner = join(parent, 'runner.mjs');
  writeFileSync(
    runner,
    `for (const { folder, name, args } of ${JSON.stringify(calls)}) {
      process.chdir(folder);
      process.argv = [process.execPath, name, ...args];
      await import(folder + '/' + name);
      process.stdout.write(${JSON.stringify(BORDER)});
    }`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, [runner], { cwd: parent });
  const outputs = stdout.split(BORDER);
  return programs.map(({ name }, index) => ({
    stdout: outputs[index],
    written: readdirSync(folders[index])
      .filter((file) => !['tiny-models', name].includes(file))
      .toSorted(),
  }));
}
