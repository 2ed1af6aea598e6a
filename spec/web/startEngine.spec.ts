import { afterEach, describe, expect, it, vi } from 'vitest';
import { AccessError } from '../../src/errors.ts';
import { startEngine } from '../../src/web/blockpruner.ts';

const settings = { name: 'x', files: [], backend: { name: 'auto' } } as const;

/** A worker that never answers, and the event a browser gives where it cannot run its file. */
class SilentWorker extends EventTarget {
  static last: SilentWorker | null = null;
  constructor() {
    super();
    SilentWorker.last = this;
  }
  postMessage(): void {}
  terminate(): void {}
  fail(fields: object): void {
    this.dispatchEvent(Object.assign(new Event('error'), fields));
  }
}

describe('startEngine', () => {
  afterEach(() => vi.unstubAllGlobals());

  // Browsers start no worker from another origin, so not from a CDN.
  it('says where the browser starts no worker from', () => {
    const Refusing = function (): never {
      throw new DOMException("Failed to construct 'Worker': Script cannot be accessed from origin", 'SecurityError');
    };
    vi.stubGlobal('Worker', Refusing);
    expect(() => startEngine()).toThrow(AccessError);
    expect(() => startEngine()).toThrow(/engineWorker\.js: the browser starts no worker from there.*own origin/);
  });

  it.each<[string, object, RegExp]>([
    ['a file that is not there', {}, /could not be loaded\. Keep the files of dist\/browser together/],
    ['an error in it', { message: 'Uncaught SyntaxError' }, /worker failed: Uncaught SyntaxError/],
  ])('fails the calls under way, and later ones, on %s', async (_, event, message) => {
    vi.stubGlobal('Worker', SilentWorker);
    const engine = startEngine();
    const opening = engine.open(settings);
    SilentWorker.last?.fail(event);
    await expect(opening).rejects.toThrow(AccessError);
    await expect(opening).rejects.toThrow(message);
    await expect(engine.open(settings)).rejects.toThrow(message);
  });
});
