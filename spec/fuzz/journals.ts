/**
 * `node spec/fuzz/journals.ts [--count N] [--seed S]`: N damaged journals, checkpoints and training
 * logs. Ends with 1 where one led to another result without a word.
 */
import { parseArgs } from 'node:util';
import { damageRuns } from './damageRuns.ts';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
});
const { fates, faults } = await damageRuns(Number(values.count), Number(values.seed));
for (const [target, { refused, same }] of fates) console.log(`${target}: ${refused} refused, ${same} the same result`);
for (const fault of faults) console.log(fault);
console.log(`${values.count} damaged files, ${faults.length} with another result.`);
process.exitCode = faults.length === 0 ? 0 : 1;
