// What would the model lose with each of its blocks? One sweep measures them all; here it becomes a
// table for a spreadsheet or a plotting program.
//
//   node sweepToCsv.mjs MODEL TEXT-FILE > sweep.csv
import { readFile } from 'node:fs/promises';
import { load } from 'blockpruner';

const [name, file] = process.argv.slice(2);
const model = await load(name);
const { dense, steps } = await model.prune({ data: await readFile(file, 'utf8'), tokens: 2048, blocks: 1 });

console.log('layer,part,perplexity,increase_percent');
for (const { block, ppl } of steps[0].candidates) {
  const [, layer, part] = /^L(\d+)\.(\w+)$/.exec(block);
  console.log([layer, part, ppl, 100 * (ppl / dense.ppl - 1)].join(','));
}
await model.close();
