// Prune a model, repair what is left, and compare: whole, pruned and repaired, on a text that
// played no part.
//
//   node repairAndCompare.mjs MODEL TEXT-FILE OTHER-TEXT-FILE
import { readFile } from 'node:fs/promises';
import { load } from 'blockpruner';

const [name, file, other] = process.argv.slice(2);
const model = await load(name);

const { removed, repair } = await model.prune({
  data: await readFile(file, 'utf8'),
  tokens: 4096,
  blocks: 4,
  repair: 'end',
  eval: (await readFile(other, 'utf8')).slice(0, 8192),
});

console.log(`removed: ${removed.join(', ')}`);
const { dense, pruned, repaired } = repair.evaluation;
console.log(`whole     ${dense.ppl.toFixed(3)}`);
console.log(`pruned    ${pruned.ppl.toFixed(3)}`);
console.log(`repaired  ${repaired.ppl.toFixed(3)}`);
await model.close();
