/**
 * `node bench/compare.ts CHECKOUT`: this tree's speed over another's, such as an older commit's,
 * kernel by kernel and for a whole forward pass: above 1 is faster. Each has a process of its own.
 * They take turns, first the one, then the other, and what counts is the median over rounds of the
 * two turns' ratio, by CPU time: a processor that others use too tells little by the clock.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Turn } from './compareProcess.ts';
import { median } from './rounds.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: '' },
    tokens: { type: 'string', default: '512' },
    rounds: { type: 'string', default: '15' },
    /** Tasks with this in their name; without it, all. */
    only: { type: 'string', default: '' },
    /** Milliseconds of a turn, about. */
    turn: { type: 'string', default: '100' },
  },
});
if (positionals.length !== 1) {
  console.error(
    'usage: node bench/compare.ts CHECKOUT [--model FILE] [--tokens 512] [--only WORD] [--rounds 15] [--turn 100]',
  );
  process.exit(1);
}

interface Side {
  child: ChildProcess;
  tasks: string[];
}

const [here, there] = await Promise.all([resolve(import.meta.dirname, '..'), resolve(positionals[0])].map(start));
const tasks = here.tasks.filter((task) => there.tasks.includes(task) && task.includes(values.only));
console.log('| task | speed over the other’s, by CPU time | by the clock |\n| --- | --: | --: |');
const all: number[] = [];
for (const task of tasks) {
  const calls = await callsOfATurn(task);
  const ratios: { cpu: number; wall: number }[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    // Who begins changes from round to round.
    const order = round % 2 === 0 ? [here, there] : [there, here];
    const first = await turn(order[0], task, calls);
    const second = await turn(order[1], task, calls);
    const [own, other] = round % 2 === 0 ? [first, second] : [second, first];
    ratios.push({ cpu: other.cpu / own.cpu, wall: other.wall / own.wall });
  }
  const [cpu, wall] = [median(ratios.map((ratio) => ratio.cpu)), median(ratios.map((ratio) => ratio.wall))];
  all.push(cpu);
  console.log(`| ${task} | ${cpu.toFixed(3)} | ${wall.toFixed(3)} |`);
}
console.log(`\nMedian of all tasks, by CPU time: ${median(all).toFixed(3)}`);
for (const { child } of [here, there]) child.kill();

async function start(root: string): Promise<Side> {
  const script = resolve(import.meta.dirname, 'compareProcess.ts');
  const model = values.model === '' ? '' : resolve(values.model);
  const child = fork(script, [root, model, values.tokens]);
  const [ready] = (await once(child, 'message')) as [{ description: string; tasks: string[] }];
  console.log(`${root}: ${ready.description}`);
  return { child, tasks: ready.tasks };
}

async function turn({ child }: Side, task: string, calls: number): Promise<Turn> {
  child.send({ task, calls });
  const [answer] = (await once(child, 'message')) as [Turn];
  return answer;
}

/** Calls until both run optimised code, and says how many fill a turn. */
async function callsOfATurn(task: string): Promise<number> {
  let calls = 1;
  for (;;) {
    const turns = [await turn(here, task, calls), await turn(there, task, calls)];
    const least = Math.min(...turns.map(({ cpu }) => cpu));
    if (least >= Number(values.turn) / 2 || calls >= 2 ** 16) return calls;
    calls = Math.max(calls + 1, Math.ceil((calls * Number(values.turn)) / Math.max(1, least)));
  }
}
