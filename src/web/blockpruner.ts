/**
 * What a page imports. A model runs in a worker of its own:
 *
 *   const model = await load('models/planted/');
 *   const { ppl } = await model.perplexity('a text', { mask: 'L3.mha,L4.mha' });
 *   const run = model.prune({ data: 'a text', blocks: 6 });
 *   for await (const event of run) if (event.type === 'step') console.log(event.removed?.name);
 */
import { AccessError, UsageError } from '../errors.ts';
import type { BackendSettings, CallSettings, Model } from '../library/model.ts';
import { openRemote } from './client.ts';
import { Line } from './line.ts';
import type { WebFile } from './protocol.ts';
import { urlFiles } from './urlFiles.ts';

/**
 * The address of a .gguf file or of a folder; files that a user chose; or files by the names they
 * have in the model's folder, each behind an address or as a blob.
 */
export type ModelFiles = string | Iterable<File> | { name?: string; files: readonly WebFile[] };

export interface LoadSettings extends BackendSettings, CallSettings {}

/**
 * Opens a model in a worker of its own, and a backend for it. Weights are read when the first call
 * needs them, and stay loaded as far as memory allows.
 * @throws NotFoundError, AccessError, FormatError or UnsupportedModelError for the model's files;
 * UnsupportedBackendError or MemoryBudgetError for the backend; UsageError for settings that there
 * are not or that do not go together; AccessError where the browser starts no worker.
 */
export async function load(model: ModelFiles, { signal, ...backend }: LoadSettings = {}): Promise<Model> {
  const { name, files } = await filesOf(model);
  const { line, end } = startWorker();
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  return openRemote(line, { name, files, backend, signal, base, end });
}

async function filesOf(model: ModelFiles): Promise<{ name: string; files: readonly WebFile[] }> {
  if (typeof model === 'string') {
    const files = await urlFiles(model);
    const path = model.replace(/[?#].*$/s, '').replace(/\/$/, '');
    return { name: path.slice(path.lastIndexOf('/') + 1), files };
  }
  if (typeof model !== 'object' || model === null) {
    throw new UsageError('is not an address, no files and no list of files.', { where: 'model' });
  }
  if ('files' in model) return { name: model.name ?? 'model', files: model.files };
  const files = Array.from(model, (file) => ({ name: file.name, from: file }));
  return { name: files.find(({ name }) => /\.gguf$/i.test(name))?.name ?? 'model', files };
}

function startWorker(): { line: Line; end: () => void } {
  const entry = new URL(/* the name is fixed by src/web/bundle */ './engineWorker.js', import.meta.url);
  const worker = newWorker(entry);
  const line = new Line(worker);
  worker.addEventListener('error', ({ message }) => {
    const remedy = 'Keep the files of dist/browser together, served as JavaScript.';
    line.fail(
      message === undefined
        ? new AccessError("the engine's worker could not be loaded.", { where: entry.href, remedy })
        : new AccessError(`the engine's worker failed: ${message}`, { where: entry.href }),
    );
  });
  return { line, end: () => worker.terminate() };
}

function newWorker(entry: URL): Worker {
  try {
    return new Worker(entry, { type: 'module' });
  } catch (cause) {
    throw new AccessError('the browser starts no worker from there.', {
      where: entry.href,
      remedy: "Serve dist/browser from the page's own origin, and let its policy allow workers (worker-src).",
      cause,
    });
  }
}

export type * from '../library/model.ts';
export type { WebFile };
export type { PruneResult } from '../prune/result.ts';
export { Mask } from '../model/mask.ts';
export * from '../errors.ts';
