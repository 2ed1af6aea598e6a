/**
 * Branch coverage of folders of src: `npm run coverage -- [cli formats …] [spec/… …]`. Specs run as
 * they are, with the programs that they start; what V8 counted in all of them is added up. Without
 * folders, the four that have a limit; without specs, those named like the folders and the ones
 * that `runs` names.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, sourcesBelow } from '../sources.ts';
import { branchesOf } from './branches.ts';
import { countsOf } from './profiles.ts';

/** What must be reached, in per cent. */
const limits: Readonly<Record<string, number>> = { cli: 90, formats: 90, prune: 90, train: 90 };
/** Specs beside spec/FOLDER that try a folder. */
const runs: Readonly<Record<string, readonly string[]>> = {
  cli: ['spec/hub'],
  formats: ['spec/fuzz/parsers.spec.ts', 'spec/golden', 'spec/hub'],
  prune: ['spec/method', 'spec/cli/resume.spec.ts'],
  train: ['spec/autodiff', 'spec/cli/heal.spec.ts', 'spec/cli/train.spec.ts'],
};

const words = process.argv.slice(2);
const named = words.filter((word) => !word.startsWith('-') && !word.startsWith('spec/'));
const folders = named.length > 0 ? named : Object.keys(limits);
const asked = words.filter((word) => word.startsWith('spec/'));
const specs = asked.length > 0 ? asked : folders.flatMap((folder) => [`spec/${folder}/`, ...(runs[folder] ?? [])]);

const profiles = mkdtempSync(join(tmpdir(), 'coverage-'));
try {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const command = [vitest, 'run', '--config', 'spec/coverage/vitest.config.ts', '--reporter=dot', ...new Set(specs)];
  const env = { ...process.env, NODE_V8_COVERAGE: profiles };
  const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit', env });
  process.exitCode = status ?? 1;
  report(profiles);
} finally {
  rmSync(profiles, { recursive: true });
}

function report(folder: string): void {
  const sources = folders.map((name) => ({ name, files: sourcesBelow(`src/${name}`) }));
  const branches = new Map(
    sources.flatMap(({ files }) => files.map(({ path, text }) => [join(root, path), branchesOf(path, text)])),
  );
  const counts = countsOf(folder, branches);
  for (const { name, files } of sources) {
    let all = 0;
    let taken = 0;
    for (const { path } of files) {
      const list = branches.get(join(root, path)) ?? [];
      const missed = list.filter((_, index) => (counts.get(join(root, path)) ?? [])[index] === 0);
      all += list.length;
      taken += list.length - missed.length;
      if (words.includes('--missed')) for (const { line, what } of missed) console.log(`${path}:${line}  ${what}`);
    }
    const percent = (100 * taken) / all;
    const limit = limits[name] ?? 0;
    console.log(`src/${name}: ${taken} of ${all} branches, ${percent.toFixed(1)} %`);
    if (percent < limit) {
      console.log(`That is under ${limit} %; --missed lists the branches that no test took.`);
      process.exitCode = 1;
    }
  }
}
