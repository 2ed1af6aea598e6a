/**
 * What runs on a backend ends when the backend is disposed: with DisposedError, and the disposal
 * itself comes to its end.
 */
import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/backends/backend.ts';
import { gpuBackend } from '../../src/backends/gpu/gpuBackend.ts';
import { DisposedError } from '../../src/errors.ts';
import { perplexity } from '../../src/eval/perplexity.ts';
import { Mask } from '../../src/model/mask.ts';
import { run } from '../../src/prune/run.ts';
import { tinyTransformer } from '../model/tinyTransformer.ts';
import { tinyRun } from './tinyRun.ts';
import { reference, simdBackends, tinyChunks } from './tinySearch.ts';

const backends: { name: string; make: () => Promise<Backend> }[] = [
  reference,
  ...simdBackends(1),
  ...simdBackends(2),
  { name: 'gpu (cpu)', make: () => gpuBackend({ mode: 'cpu' }) },
];

describe.each(backends)('disposing $name', ({ make }) => {
  it.each(['before the first chunk', 'after a chunk'])('ends a perplexity %s', async (when) => {
    const backend = await make();
    const { model } = await tinyTransformer({ backend });
    let disposal: Promise<void> | null = null;
    const dispose = (): void => void (disposal ??= backend.dispose());
    const scored = perplexity(model, tinyChunks(3, 3, 8), Mask.empty, 1, dispose);
    const refused = expect(scored).rejects.toThrow(DisposedError);
    if (when === 'before the first chunk') dispose();
    await refused;
    await disposal;
    model.free();
  });

  it.each(['start', 'progress', 'measured', 'step'])('ends a search at its %s', async (type) => {
    const backend = await make();
    const { options } = await tinyRun(undefined, {}, {}, backend);
    let disposal: Promise<void> | null = null;
    const searched = (async () => {
      for await (const event of run(options)) if (event.type === type) disposal ??= backend.dispose();
    })();
    await expect(searched).rejects.toThrow(DisposedError);
    expect(disposal).not.toBeNull();
    await disposal;
    options.model.free();
  });
});
