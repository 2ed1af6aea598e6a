/**
 * A model of the hub as files on this machine. What is in the cache for the asked revision is used as it is, without
 * any request: a search that is taken up again next week must find the same weights. Otherwise the files the model
 * needs are downloaded, weights last, so that where weights are, everything is.
 */
import { AccessError, BlockprunerError, NotFoundError } from '../../errors.ts';
import type { Folder } from '../../platform/folder.ts';
import { HubCache } from '../../platform/hub/cache.ts';
import { HubClient, type HubFile } from '../../platform/hub/client.ts';
import { downloadToCache } from '../../platform/hub/download.ts';
import type { HubId } from '../../platform/hub/hubId.ts';
import type { HubSettings } from '../../platform/hub/settings.ts';
import { isPlainFileName } from '../../platform/plainFileName.ts';
import { readJson } from '../jsonFile.ts';
import { quoted } from '../quoted.ts';
import { INDEX_FILE, SINGLE_FILE } from '../safetensors/checkpoint.ts';
import { parseShardIndex } from '../safetensors/shardIndex.ts';
import { GENERATION_CONFIG } from './generationConfig.ts';
import { TOKEN_FILES } from './tokenizerFiles.ts';

/** Small files of a model; only the config must be there. */
const CONFIG = 'config.json';
const TOKENIZER = 'tokenizer.json';
/** Small files that change what a tokenizer or a generation does; a model may be without them. */
const EXTRAS = ['tokenizer_config.json', ...TOKEN_FILES, GENERATION_CONFIG];
const SMALL_FILES = [CONFIG, TOKENIZER, ...EXTRAS];

export interface HubModel {
  /** The snapshot's folder in the cache. */
  readonly folder: Folder;
  readonly commit: string;
  /** The GGUF file in it that is the model; null for a config with safetensors. */
  readonly gguf: string | null;
  readonly warnings: readonly string[];
}

/**
 * Finds or fetches a model.
 * @throws NotFoundError when it is not on the hub, or not in the cache and the network is ruled out; AccessError when
 * it cannot be had; FormatError when its index or its bytes are damaged.
 */
export async function fetchHubModel(id: HubId, settings: HubSettings): Promise<HubModel> {
  const cache = new HubCache(settings.cacheDir, id.repo);
  const cached = await findCached(cache, id, settings.revision);
  if (cached !== null && settings.offline) return cached.model;
  if (cached?.certain === true) return withExtras(cache, id, settings, cached.model);
  if (settings.offline) {
    throw new NotFoundError(`is not complete in the cache at revision '${settings.revision}'.`, {
      where: `${id.repo} in ${settings.cacheDir}`,
      remedy: 'Run once without --offline, or give the path of a local model.',
    });
  }
  try {
    return await download(cache, id, settings);
  } catch (error) {
    if (cached === null || !(error instanceof AccessError)) throw error;
    return { ...cached.model, warnings: [`${error.message} Using the files in the cache.`] };
  }
}

/**
 * The model as the cache has it, or null. `certain` when nothing of it can be missing; not when another program has
 * filled the cache without a tokenizer and it is not known whether there is one.
 */
async function findCached(
  cache: HubCache,
  id: HubId,
  revision: string,
): Promise<{ model: HubModel; certain: boolean } | null> {
  const commit = await cache.commitOf(revision);
  const folder = commit === null ? null : await cache.snapshot(commit);
  if (commit === null || folder === null) return null;
  const model = (gguf: string | null): HubModel => ({ folder, commit, gguf, warnings: [] });
  if (id.file !== null) return (await isThere(folder, id.file)) ? { model: model(id.file), certain: true } : null;
  if ((await isThere(folder, CONFIG)) && (await hasSafetensors(folder))) {
    const certain = (await isThere(folder, TOKENIZER)) || (await cache.isKnownAbsent(commit, TOKENIZER));
    return { model: model(null), certain };
  }
  const [gguf, ...more] = ggufNames(folder.files);
  if (gguf === undefined || more.length > 0 || !(await cache.isKnownAbsent(commit, SINGLE_FILE))) return null;
  return (await isThere(folder, gguf)) ? { model: model(gguf), certain: true } : null;
}

/**
 * Fetches, of the commit that is cached, the small files that the cache neither has nor knows to be missing: another
 * program, or an older version of this one, may have left them out. Weights stay as they are.
 */
async function withExtras(cache: HubCache, id: HubId, settings: HubSettings, model: HubModel): Promise<HubModel> {
  const { commit, folder } = model;
  if (model.gguf !== null) return model;
  const unknown: string[] = [];
  for (const name of EXTRAS) {
    if (!folder.files.has(name) && !(await cache.isKnownAbsent(commit, name))) unknown.push(name);
  }
  if (unknown.length === 0) return model;
  try {
    const client = new HubClient(id.repo, settings);
    const files = new Map((await client.files(commit)).map((file) => [file.name, file]));
    for (const name of unknown) {
      const file = files.get(name);
      if (file === undefined) await cache.rememberAbsent(commit, name);
      else await downloadToCache(client, cache, commit, file, settings.onProgress);
    }
    return { ...model, folder: await snapshot(cache, commit) };
  } catch (error) {
    if (!(error instanceof BlockprunerError)) throw error;
    const warning = `${error.message} Going on without ${unknown.join(', ')}, which the cache lacks.`;
    return { ...model, warnings: [...model.warnings, warning] };
  }
}

async function hasSafetensors(folder: Folder): Promise<boolean> {
  if (await isThere(folder, SINGLE_FILE)) return true;
  if (!(await isThere(folder, INDEX_FILE))) return false;
  for (const shard of await shardNames(folder)) if (!(await isThere(folder, shard))) return false;
  return true;
}

async function download(cache: HubCache, id: HubId, settings: HubSettings): Promise<HubModel> {
  const client = new HubClient(id.repo, settings);
  const commit = await client.commit();
  const files = new Map((await client.files(commit)).map((file) => [file.name, file]));
  const fetchFile = async (name: string): Promise<void> => {
    const file = files.get(name);
    if (file === undefined) {
      throw new NotFoundError(`there is no file ${quoted(name)}.`, {
        where: `${id.repo} at ${commit.slice(0, 7)}`,
        remedy: 'Check the name.',
      });
    }
    await downloadToCache(client, cache, commit, file, settings.onProgress);
  };
  const gguf = id.file ?? (hasWeights(files) ? null : onlyGguf(id, files));
  if (gguf !== null) {
    await fetchFile(gguf);
    if (id.file === null) await cache.rememberAbsent(commit, SINGLE_FILE);
  } else {
    for (const name of SMALL_FILES) {
      if (files.has(name) || name === CONFIG) await fetchFile(name);
      else await cache.rememberAbsent(commit, name);
    }
    if (files.has(SINGLE_FILE)) {
      await fetchFile(SINGLE_FILE);
    } else {
      await fetchFile(INDEX_FILE);
      for (const shard of await shardNames(await snapshot(cache, commit))) await fetchFile(shard);
    }
  }
  await cache.rememberCommit(settings.revision, commit);
  return { folder: await snapshot(cache, commit), commit, gguf, warnings: [] };
}

function hasWeights(files: ReadonlyMap<string, HubFile>): boolean {
  return files.has(SINGLE_FILE) || files.has(INDEX_FILE);
}

/** The repository's one GGUF file. Where there are several, the user must choose. */
function onlyGguf(id: HubId, files: ReadonlyMap<string, HubFile>): string {
  const names = ggufNames(files.keys());
  if (names.length === 1) return names[0];
  const example = names[0] ?? 'FILE.gguf';
  throw names.length === 0
    ? new NotFoundError('has neither safetensors nor GGUF files in its top folder.', { where: id.repo })
    : new NotFoundError(
        `has ${names.length} GGUF files: ${names
          .slice(0, 12)
          .map((name) => quoted(name))
          .join(', ')}.`,
        {
          where: id.repo,
          remedy: `Name one, such as ${quoted(`${id.repo}/${example}`)}.`,
        },
      );
}

function ggufNames(names: Iterable<string>): string[] {
  return [...names].filter((name) => isPlainFileName(name) && name.toLowerCase().endsWith('.gguf')).toSorted();
}

async function shardNames(folder: Folder): Promise<readonly string[]> {
  return parseShardIndex(await readJson(folder, INDEX_FILE), `${folder.name}: ${INDEX_FILE}`).files;
}

async function snapshot(cache: HubCache, commit: string): Promise<Folder> {
  const folder = await cache.snapshot(commit);
  if (folder === null) throw new NotFoundError('vanished from the cache.', { where: cache.snapshotPath(commit) });
  return folder;
}

/** Whether a file can be opened: a link in a snapshot may lead nowhere. */
async function isThere(folder: Folder, name: string): Promise<boolean> {
  if (!folder.files.has(name)) return false;
  try {
    await (await folder.open(name)).close();
    return true;
  } catch (error) {
    if (error instanceof BlockprunerError) return false;
    throw error;
  }
}
