/** Calls of a model, one at a time: random works, failures and aborts against a plain list. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { abortableBackend } from '../../src/library/abortable.ts';
import { Queue } from '../../src/library/queue.ts';
import { referenceBackend } from '../../src/backends/reference/referenceBackend.ts';
import { Mask } from '../../src/model/mask.ts';
import { Transformer } from '../../src/model/transformer.ts';
import { tinySource } from '../model/tinyTransformer.ts';

/** Lets everything run that waits for nothing else. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** A piece of work that runs until it is told how to end. */
class Job {
  readonly name: number;
  readonly controller = new AbortController();
  state: 'waiting' | 'running' | 'ended' = 'waiting';
  /** What its caller has heard. */
  heard: string | null = null;
  #end: (fails: boolean) => void = () => expect.unreachable();

  constructor(name: number) {
    this.name = name;
  }

  addTo(queue: Queue): void {
    const work = (): Promise<string> => {
      expect(this.state).toBe('waiting');
      this.state = 'running';
      return new Promise((resolve, reject) => {
        this.#end = (fails) => {
          this.state = 'ended';
          if (fails) reject(new Error(`${this.name} failed`));
          else resolve(`${this.name} done`);
        };
      });
    };
    queue.add(work, this.controller.signal).then(
      (value) => (this.heard = value),
      (error: unknown) => (this.heard = (error as Error).message),
    );
  }

  end(fails: boolean): void {
    this.#end(fails);
  }
}

/** What happens to a queue, one after the other; numbers choose among the jobs there are. */
const someMoves = fc.array(
  fc.oneof(
    fc.constant({ type: 'add' as const }),
    fc.record({ type: fc.constant('end' as const), fails: fc.boolean() }),
    fc.record({ type: fc.constant('abort' as const), some: fc.nat() }),
  ),
  { maxLength: 25 },
);

describe('a queue', () => {
  test.prop([someMoves])(
    'runs what was added in that order, one at a time; what is aborted before its turn never begins',
    async (moves) => {
      const queue = new Queue();
      const jobs: Job[] = [];
      /** Those still to come, the running one first: the plain queue. */
      let line: Job[] = [];
      const heard = new Map<Job, string>();
      for (const move of moves) {
        if (move.type === 'add') {
          const job = new Job(jobs.length);
          jobs.push(job);
          line.push(job);
          job.addTo(queue);
        } else if (move.type === 'end' && line.length > 0) {
          const [job] = line;
          job.end(move.fails);
          heard.set(job, move.fails ? `${job.name} failed` : `${job.name} done`);
          line = line.slice(1);
        } else if (move.type === 'abort' && jobs.length > 0) {
          const job = jobs[move.some % jobs.length];
          job.controller.abort(new Error(`${job.name} aborted`));
          // Begun, it would have to hear the signal itself.
          if (line.indexOf(job) > 0) {
            heard.set(job, `${job.name} aborted`);
            line = line.filter((other) => other !== job);
          }
        }
        await settle();
        expect(jobs.filter(({ state }) => state === 'running')).toEqual(line.slice(0, 1));
        for (const job of jobs) expect(job.heard).toBe(heard.get(job) ?? null);
      }
      let idle = false;
      void queue.idle().then(() => (idle = true));
      for (const job of line) {
        await settle();
        expect(idle).toBe(false);
        job.end(false);
      }
      await settle();
      expect(idle).toBe(true);
      expect(jobs.map(({ heard: words }) => words)).not.toContain(null);
    },
  );

  it('takes no work whose signal is aborted already, and runs the next', async () => {
    const queue = new Queue();
    const reason = new Error('too late');
    const never = queue.add(() => expect.unreachable(), AbortSignal.abort(reason));
    await expect(never).rejects.toBe(reason);
    await expect(queue.add(() => Promise.resolve(7), new AbortController().signal)).resolves.toBe(7);
    await queue.idle();
  });

  it('lets go of the signal of work that has begun', async () => {
    const queue = new Queue();
    const { signal } = new AbortController();
    const calls: string[] = [];
    const watched = new Proxy(signal, {
      get(target, key) {
        if (/^(?:add|remove)EventListener$/.test(String(key))) calls.push(String(key).slice(0, -13));
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    await queue.add(() => Promise.resolve(), watched);
    expect(calls).toEqual(['add', 'remove']);
  });
});

describe('an abortable backend', () => {
  test.prop([fc.nat(20)], { numRuns: 20 })(
    'gives a walk up between any two blocks, leaves nothing behind, and serves the next with the same bits',
    async (scopes) => {
      let left = Infinity;
      const reason = new Error('given up');
      const plain = referenceBackend();
      const backend = abortableBackend(plain, () => {
        if (left-- <= 0) throw reason;
      });
      const model = await Transformer.load(await tinySource({ layers: 3 }), backend, 2 ** 22);
      const ids = [Int32Array.of(1, 5, 9, 2)];
      const want = await model.nll(ids, Mask.empty);
      const held = backend.bytesInUse();
      left = scopes;
      // A scope for the embedding, one a block, one for the final norm.
      if (scopes < 8) await expect(model.nll(ids, Mask.empty)).rejects.toBe(reason);
      else expect(await model.nll(ids, Mask.empty)).toEqual(want);
      expect(backend.bytesInUse()).toBe(held);
      left = Infinity;
      expect(await model.nll(ids, Mask.empty)).toEqual(want);
      model.free();
      expect(plain.bytesInUse()).toBe(0);
    },
  );

  it('is the backend in all else', () => {
    const plain = referenceBackend();
    const backend = abortableBackend(plain, () => {});
    expect([backend.name, backend.variant, backend.capacityBytes]).toEqual([
      plain.name,
      plain.variant,
      plain.capacityBytes,
    ]);
    const x = backend.store(Float32Array.of(1, 2), 1, 2);
    expect(plain.bytesInUse()).toBe(8);
    backend.free(x);
    expect(backend.bytesInUse()).toBe(0);
    expect(backend.free).toBe(backend.free);
  });
});
