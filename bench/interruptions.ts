/**
 * What interruptions of a search cost: one step of a model, killed or stopped by Ctrl-C again and
 * again at random moments, each time gone on with by the same command.
 *
 *   node bench/interruptions.ts --model model.gguf --data text.txt --tokens 2048 --chunk 512 \
 *     --times 20
 *
 * Every other interruption is a SIGKILL, the others are Ctrl-C in a terminal of its own (`script`,
 * util-linux). Of each it says how many seconds of computing were lost: those since the search
 * began to compute, less those that journal and walk.state say they hold more than before. At the
 * end the journal must say the same as that of a search that was left alone.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { seededRng } from '../src/tensor/rng.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    data: { type: 'string' },
    tokens: { type: 'string', default: '2048' },
    chunk: { type: 'string', default: '512' },
    times: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'runs/interruptions' },
    /** Seconds that a search takes alone; 0 = find out. */
    alone: { type: 'string', default: '0' },
    /** Further options of the search. */
    more: { type: 'string', default: '' },
    /** A command of the shell before each search, with its semicolon. */
    before: { type: 'string', default: '' },
  },
});
const { model, data } = values;
if (model === undefined || data === undefined) throw new Error('--model and --data are missing.');

/** Runs a command in a terminal of its own: of util-linux. */
const PTY = 'script';

const main = resolve(import.meta.dirname, '../src/cli/main.ts');
const folder = resolve(values.out);
mkdirSync(folder, { recursive: true });
const rng = seededRng(Number(values.seed));

interface Running {
  readonly terminal: ChildProcess;
  readonly ended: Promise<number | null>;
  /** When it began to compute, in ms; NaN before. */
  began: number;
  text: string;
}

/** A search in a terminal of its own. */
function search(out: string): Running {
  const args = ['prune', model, '--data', data, '--tokens', values.tokens, '--chunk', values.chunk];
  const command = [process.execPath, main, ...args, '--blocks', '1', '--out', out, ...values.more.split(' ')].join(' ');
  const states = (name: string): string => `stty -a > ${join(folder, name)}`;
  const shell = `${values.before}${states('before')}; ${command}; code=$?; ${states('after')}; exit $code`;
  const terminal = spawn(PTY, ['-qfec', shell, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const running: Running = {
    terminal,
    ended: new Promise((done) => terminal.on('close', done)),
    began: NaN,
    text: '',
  };
  terminal.stdout.on('data', (bytes: Buffer) => {
    running.text += bytes.toString();
    if (Number.isNaN(running.began) && /step 1\b.*%/.test(running.text)) running.began = performance.now();
  });
  return running;
}

/** Seconds of computing that a folder holds. */
function heldSeconds(out: string): number {
  let seconds = 0;
  const journal = join(out, 'journal.jsonl');
  if (existsSync(journal)) {
    for (const [, found] of readFileSync(journal, 'utf8').matchAll(/"seconds":([\d.e-]+)/g)) seconds += Number(found);
  }
  const walk = join(out, 'walk.state');
  if (existsSync(walk)) {
    const line = readFileSync(walk)
      .subarray(0, 2 ** 16)
      .toString('latin1');
    seconds += Number(/"seconds":([\d.e-]+)/.exec(line)?.[1] ?? 0);
  }
  return seconds;
}

/** What a journal says, without seconds and the sums over them. */
function saidBy(out: string): string {
  return readFileSync(join(out, 'journal.jsonl'), 'utf8').replaceAll(/"seconds":[\d.e-]+|"sum":"\w+"/g, '');
}

/** Which of the terminal's switches were thrown last: cursor and line wrap. */
function switches(text: string): string {
  const last = (on: string, off: string): boolean => text.lastIndexOf(on) >= text.lastIndexOf(off);
  return `cursor ${last('\u001B[?25h', '\u001B[?25l') ? 'on' : 'off'}, wrap ${last('\u001B[?7h', '\u001B[?7l') ? 'on' : 'off'}`;
}

const straight = join(folder, 'straight');
let alone = Number(values.alone);
if (alone === 0) {
  rmSync(straight, { recursive: true, force: true });
  const running = search(straight);
  if ((await running.ended) !== 0) throw new Error(running.text.slice(-500));
  alone = heldSeconds(straight);
}
console.log(`alone: ${alone.toFixed(1)} s of computing`);

const out = join(folder, 'interrupted');
rmSync(out, { recursive: true, force: true });
const times = Number(values.times);
const lost: number[] = [];
for (let time = 0; time < times; time++) {
  const held = heldSeconds(out);
  const running = search(out);
  const left = Math.max(0, alone - held) / (times - time);
  const wait = (left + 5) * (0.2 + 1.5 * rng.uniform());
  while (Number.isNaN(running.began)) await Promise.race([sleep(20), running.ended]);
  await Promise.race([sleep(1000 * wait), running.ended]);
  const kill = time % 2 === 0;
  const asked = performance.now();
  if (kill) process.kill(Number(readFileSync(join(out, 'journal.lock'), 'utf8').split(' ')[0]), 'SIGKILL');
  else running.terminal.stdin?.write('\u0003');
  const code = await running.ended;
  const took = (performance.now() - asked) / 1000;
  lost.push((asked - running.began) / 1000 - (heldSeconds(out) - held));
  const same = readFileSync(join(folder, 'before'), 'utf8') === readFileSync(join(folder, 'after'), 'utf8');
  const words = kill ? '' : `; ended in ${took.toFixed(1)} s with ${code}: ${running.text.trim().split('\n').at(-1)}`;
  console.log(
    `${time + 1}. ${kill ? 'SIGKILL' : 'Ctrl-C'} after ${((asked - running.began) / 1000).toFixed(1)} s: ` +
      `${heldSeconds(out).toFixed(1)} s are held, ${lost[time].toFixed(1)} s were lost; ` +
      `stty ${same ? 'as before' : 'CHANGED'}, ${switches(running.text)}${words}`,
  );
}
const last = search(out);
if ((await last.ended) !== 0) throw new Error(last.text.slice(-500));
console.log(`lost at most ${Math.max(...lost).toFixed(1)} s, in all ${lost.reduce((a, b) => a + b, 0).toFixed(1)} s`);
const same = saidBy(straight) === saidBy(out);
console.log(same ? 'the journal says the same as that of a search left alone' : 'THE JOURNALS DIFFER');
process.exitCode = same ? 0 : 1;
