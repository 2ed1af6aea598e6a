/**
 * Does the suite notice what it is for? Puts one fault at a time into a copy of the tree and runs
 * the specs that should fail:
 *
 *   npm run mutants                     every fault
 *   npm run mutants -- RoPE src/prune   those with one of these words in their name or their file's
 *   npm run mutants -- --all            the whole suite on each, not the listed specs (long)
 *
 * Ends with 1 where a fault survives. Then a test is missing.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { mutants } from './all.ts';
import { isKernel, type Mutant } from './mutant.ts';
import { Scratch, type Verdict } from './scratch.ts';

const { values, positionals } = parseArgs({ options: { all: { type: 'boolean' } }, allowPositionals: true });
const chosen = mutants.filter(({ name, file }) => {
  return positionals.length === 0 || positionals.some((word) => name.includes(word) || file.includes(word));
});
const specsOf = (mutant: Mutant): readonly string[] => (values.all === true ? [] : mutant.specs);
const workers = Math.min(chosen.length, availableParallelism(), 4);

const root = fileURLToPath(new URL('../..', import.meta.url));
const scratches = Array.from({ length: workers }, () => new Scratch(root));
process.on('exit', () => scratches.forEach((scratch) => scratch.remove()));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
process.exitCode = await main();

async function main(): Promise<number> {
  if (chosen.length === 0) {
    console.error('No mutant has such a name.');
    return 2;
  }
  const started = performance.now();
  const specs = [...new Set(chosen.flatMap(specsOf))];
  const sound = await scratches[0].test(specs, workers, 30 * 60_000);
  if (!('survived' in sound)) {
    console.error(`Without a fault: ${describe(sound)}`);
    return 1;
  }
  // A fault that makes its specs take far longer than all of them took has brought them to a halt.
  const limit = 60_000 + 2 * (performance.now() - started);
  // Those that need a compiler first: they take longest.
  const queue = chosen.toSorted((a, b) => Number(isKernel(b)) - Number(isKernel(a)));
  const missed: string[] = [];
  await Promise.all(
    scratches.map(async (scratch) => {
      for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
        const verdict = await scratch.try(mutant, specsOf(mutant), limit);
        if (!('caughtBy' in verdict)) missed.push(mutant.name);
        console.log(`${mutant.name}\n    ${describe(verdict)}`);
      }
    }),
  );
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  console.log(`\n${chosen.length - missed.length} of ${chosen.length} faults caught in ${minutes} minutes.`);
  for (const name of missed) console.log(`not caught: ${name}`);
  return missed.length === 0 ? 0 : 1;
}

function describe(verdict: Verdict): string {
  if ('caughtBy' in verdict) return `caught: ${verdict.caughtBy}`;
  return 'broken' in verdict ? `BROKEN: ${verdict.broken}` : 'SURVIVED';
}
