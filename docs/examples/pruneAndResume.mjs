// Prune a model, stop on the way, and go on. The journal keeps every finished step, whatever ends
// the program.
//
//   node pruneAndResume.mjs MODEL TEXT-FILE
import { readFile, writeFile } from 'node:fs/promises';
import { load, renderReport } from 'blockpruner';

const [name, file] = process.argv.slice(2);
const model = await load(name);
const settings = { data: await readFile(file, 'utf8'), tokens: 2048, blocks: 4, journal: 'journal.jsonl' };

// The first time: leave after two steps. Leaving the loop ends the run.
for await (const event of model.prune(settings)) {
  if (event.type !== 'step') continue;
  console.log(`step ${event.step} removed ${event.removed.name}`);
  if (event.step === 2) break;
}

// The second time: the same call. Steps one and two come from the journal, at once.
const run = model.prune(settings);
for await (const event of run) {
  if (event.type === 'step') console.log(`step ${event.step} removed ${event.removed.name}`);
}
const result = await run;
console.log(`perplexity ${result.dense.ppl.toFixed(2)} became ${result.steps.at(-1).ppl.toFixed(2)}`);
await writeFile('report.html', renderReport(result));
await model.close();
