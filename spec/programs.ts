/** Programs of README, guide and examples, run as a user would run them where blockpruner is installed. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The code with this checkout in place of the installed package. */
export function fromCheckout(code: string): string {
  return code.replaceAll("'blockpruner'", `'${pathToFileURL(join(root, 'src/index.ts')).href}'`);
}

/** A new folder inside `parent` where tiny-models lies as in the checkout, so that nothing is written here. */
export function programFolder(parent: string): string {
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'program-'));
  symlinkSync(join(root, 'tiny-models'), join(folder, 'tiny-models'));
  return folder;
}

export interface ProgramOutcome {
  stdout: string;
  /** Files that the program wrote into its folder, in order of their names. */
  written: string[];
}

/** Runs a program in a folder of its own, `name` being the file's. */
export async function runProgram(
  code: string,
  { name, args = [], parent }: { name: string; args?: readonly string[]; parent: string },
): Promise<ProgramOutcome> {
  const cwd = programFolder(parent);
  writeFileSync(join(cwd, name), fromCheckout(code));
  const { stdout } = await promisify(execFile)(process.execPath, [name, ...args], { cwd });
  const written = readdirSync(cwd).filter((file) => !['tiny-models', name].includes(file));
  return { stdout, written: written.toSorted() };
}
