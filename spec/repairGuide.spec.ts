/** What docs/guide/repair.md shows is what happens. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const guide = readFileSync(join(root, 'docs/guide/repair.md'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'blockpruner-repair-guide-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('the guide to repair has a program that runs as it is printed, and mends the model', async () => {
  const [, code] = /^```ts\n([\s\S]*?)^```$/m.exec(guide) ?? [];
  symlinkSync(join(root, 'tiny-models'), join(folder, 'tiny-models'));
  const file = join(folder, 'program.mts');
  writeFileSync(file, code.replaceAll("'blockpruner'", `'${pathToFileURL(join(root, 'src/index.ts')).href}'`));
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: folder });
  const [, pruned, repaired, tensors] = /pruned ([\d.]+), repaired ([\d.]+), (\d+) tensors changed/.exec(stdout) ?? [];
  expect(Number(repaired)).toBeLessThan(Number(pruned));
  expect(Number(tensors)).toBeGreaterThan(0);
});
