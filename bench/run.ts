/** `npm run bench`: all benches one after the other, each in a process of its own so that none meets code warmed by another. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { benchOptions } from './options.ts';

benchOptions();
for (const name of ['kernels', 'suites', 'endToEnd']) {
  const file = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const { status } = spawnSync(process.execPath, [file, ...process.argv.slice(2)], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
