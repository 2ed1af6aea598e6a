/**
 * `npm run bench:peers`: f32 matrix products of our SIMD backend beside onnxruntime-web's and tfjs's WebAssembly, under
 * Node. Each engine has a process of its own; they take turns, round by round, one computing while the others sleep.
 *
 * onnxruntime-web copies x in and y out in every run (its API has no way around it under Node); the others keep both.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { benchOptions } from '../options.ts';
import { peakTasks } from '../peaks.ts';
import type { Peak, Row } from '../document.ts';
import { record } from '../results.ts';
import { figures, median, settle, timed, untimed, type Timings } from '../rounds.ts';
import type { Answer, Order } from './engineProcess.ts';
import { engineNames, type EngineName, type Shape } from './engines.ts';

interface Peer {
  engine: EngineName;
  label: string;
  threads: number;
  child: ChildProcess;
}

const options = benchOptions();
const { quick } = options;
const rounds = quick ? 2 : 11;
const turn = quick ? 10 : 200;
const shapes: readonly Shape[] = [
  [512, 576, 1536],
  [512, 1536, 576],
];

await record('peers', options, async () => {
  const peers: Peer[] = [];
  for (const engine of engineNames) {
    for (const threads of engine === 'tfjs-wasm' ? [1] : [1, 2]) peers.push(await start(engine, threads));
  }
  const [fma] = peakTasks(true, 4);
  await settle(fma.run, quick ? 20 : 200, 1_000);
  const rows: Row[] = [];
  const peaks: number[] = [];
  for (const shape of shapes) {
    for (const { child } of peers) await ask(child, { shape, warm: quick ? 20 : 1_000, turn: 0 });
    const answers = new Map(peers.map((peer) => [peer, [] as Answer[]]));
    for (let round = 0; round < rounds; round++) {
      const calls: number[] = [];
      for (let call = 0; call < 20; call++) calls.push(await timed(fma.run));
      peaks.push(median(calls));
      for (const peer of round % 2 === 0 ? peers : peers.toReversed()) {
        answers.get(peer)?.push(await ask(peer.child, { shape, turn }));
        // Thread pools look for more work a little while before they sleep.
        await sleep(quick ? 5 : 50);
      }
    }
    checkSame([...answers.values()].map(([first]) => first.sample));
    rows.push(...rowsOf(shape, answers));
  }
  for (const { child } of peers) child.kill();
  const value = fma.amount / (median(peaks) / 1000);
  for (const row of rows) row.share = row.value / (value * row.threads);
  const peak: Peak = { name: fma.name, what: fma.what, value, unit: fma.unit };
  return { peaks: [peak], rows };
});

async function start(engine: EngineName, threads: number): Promise<Peer> {
  const file = fileURLToPath(new URL('engineProcess.ts', import.meta.url));
  const child = fork(file, [engine, String(threads)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  await once(child, 'message');
  const label = engine.startsWith('ours') ? engine : `${engine} ${versionOf(engine)}`;
  return { engine, label, threads, child };
}

async function ask(child: ChildProcess, order: Order): Promise<Answer> {
  child.send(order);
  const [answer] = (await once(child, 'message')) as [Answer];
  return answer;
}

function versionOf(engine: EngineName): string {
  const folder = engine === 'tfjs-wasm' ? '@tensorflow/tfjs-backend-wasm' : engine;
  const text = readFileSync(new URL(`node_modules/${folder}/package.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function rowsOf([rows, k, n]: Shape, answers: ReadonlyMap<Peer, readonly Answer[]>): Row[] {
  const measured = [...answers].map(([peer, found]) => {
    const timings = found.map((answer) => answer.timings).reduce(together, untimed());
    return { peer, ...figures(timings, peer.threads, (milliseconds) => (2 * rows * k * n) / 1e6 / milliseconds) };
  });
  return measured.map(({ peer, ...row }): Row => {
    const { engine, label, threads } = peer;
    const ours = measured.find((other) => other.peer.engine === 'ours' && other.peer.threads === threads)?.value ?? NaN;
    const note = engine === 'ours' ? undefined : `ours is ${(ours / row.value).toFixed(2)} times as fast`;
    return { name: `MatMul ${rows}×${k}×${n}`, engine: label, threads, unit: 'GFLOP/s', ...row, share: null, note };
  });
}

function together(a: Timings, b: Timings): Timings {
  const milliseconds = [...a.milliseconds, ...b.milliseconds];
  return { milliseconds, calls: a.calls + b.calls, cpu: a.cpu + b.cpu, wall: a.wall + b.wall };
}

/** @throws Error unless all engines found the same, but for rounding. */
function checkSame([expected, ...others]: readonly (readonly number[])[]): void {
  const scale = Math.max(...expected.map(Math.abs));
  for (const found of others) {
    const worst = Math.max(...found.map((value, index) => Math.abs(value - expected[index])));
    if (!(worst <= 1e-4 * scale)) throw new Error(`the engines differ by ${worst}, beside values up to ${scale}.`);
  }
}
