import { afterEach, describe, expect, it, vi } from 'vitest';
import { AccessError, UsageError } from '../../src/errors.ts';
import { load } from '../../src/web/blockpruner.ts';
import type { Request } from '../../src/web/protocol.ts';

const noFiles = { name: 'x', files: [] };

/** A worker that never answers, and the event a browser gives where it cannot run its file. */
class SilentWorker extends EventTarget {
  static last: SilentWorker | null = null;
  readonly asked: Request[] = [];
  terminated = false;
  constructor() {
    super();
    SilentWorker.last = this;
  }
  postMessage(request: Request): void {
    this.asked.push(request);
  }
  terminate(): void {
    this.terminated = true;
  }
  fail(fields: object): void {
    this.dispatchEvent(Object.assign(new Event('error'), fields));
  }
}

/** Waits until the page has asked its worker for something. */
const begun = (): Promise<SilentWorker> => {
  return vi.waitFor(() => {
    if (SilentWorker.last === null || SilentWorker.last.asked.length === 0) throw new Error('nothing is asked yet');
    return SilentWorker.last;
  });
};

describe('load in a page', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    SilentWorker.last = null;
  });

  // Browsers start no worker from another origin, so not from a CDN.
  it('says where the browser starts no worker from', async () => {
    const Refusing = function (): never {
      throw new DOMException("Failed to construct 'Worker': Script cannot be accessed from origin", 'SecurityError');
    };
    vi.stubGlobal('Worker', Refusing);
    await expect(load(noFiles)).rejects.toThrow(AccessError);
    await expect(load(noFiles)).rejects.toThrow(
      /engineWorker\.js: the browser starts no worker from there.*own origin/,
    );
  });

  it.each<[string, object, RegExp]>([
    ['a file that is not there', {}, /could not be loaded\. Keep the files of dist\/browser together/],
    ['an error in it', { message: 'Uncaught SyntaxError' }, /worker failed: Uncaught SyntaxError/],
  ])('fails on %s, and ends the worker', async (_, event, message) => {
    vi.stubGlobal('Worker', SilentWorker);
    const opening = load(noFiles);
    opening.catch(() => {});
    const worker = await begun();
    worker.fail(event);
    await expect(opening).rejects.toThrow(AccessError);
    await expect(opening).rejects.toThrow(message);
    expect(worker.terminated).toBe(true);
  });

  it('takes chosen files by their names, and a .gguf address as one file', async () => {
    vi.stubGlobal('Worker', SilentWorker);
    vi.stubGlobal('location', { href: 'https://example.org/page.html' });
    const chosen = [new File(['{}'], 'config.json'), new File(['x'], 'model.safetensors')];
    void load(chosen, { threads: 2 }).catch(() => {});
    const { asked } = await begun();
    expect(asked).toMatchObject([
      { type: 'open', settings: { name: 'model', files: [{ name: 'config.json' }, { name: 'model.safetensors' }] } },
    ]);
    expect(asked).toMatchObject([{ settings: { backend: { threads: 2 } } }]);
    SilentWorker.last = null;
    void load('models/tiny.gguf?v=2').catch(() => {});
    expect((await begun()).asked).toMatchObject([
      {
        settings: {
          name: 'tiny.gguf',
          files: [{ name: 'tiny.gguf', from: 'https://example.org/models/tiny.gguf?v=2' }],
        },
      },
    ]);
  });

  it('refuses what names no model', async () => {
    vi.stubGlobal('Worker', SilentWorker);
    await expect(load(null as unknown as string)).rejects.toThrow(UsageError);
    expect(SilentWorker.last).toBe(null);
  });
});
