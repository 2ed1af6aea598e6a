/**
 * A model of the hub as files on this machine. What is in the cache for the asked revision is used
 * as it is, without any request: a search that is taken up again next week must find the same
 * weights. Otherwise the files the model needs are downloaded, weights last, so that where weights
 * are, everything is.
 */
import { AccessError, BlockprunerError, FormatError, NotFoundError, UnsupportedModelError } from '../../errors.ts';
import type { Folder } from '../../platform/folder.ts';
import { hasPromisedBytes } from '../../platform/hub/blobCheck.ts';
import { HubCache } from '../../platform/hub/cache.ts';
import { HubClient, type HubFile } from '../../platform/hub/client.ts';
import { downloadToCache } from '../../platform/hub/download.ts';
import type { HubId } from '../../platform/hub/hubId.ts';
import type { HubSettings } from '../../platform/hub/settings.ts';
import { isPlainFileName } from '../../platform/plainFileName.ts';
import { ggufModels, parseSplitName } from '../gguf/splitName.ts';
import { readJson } from '../jsonFile.ts';
import { quoted } from '../quoted.ts';
import { INDEX_FILE, SINGLE_FILE } from '../safetensors/checkpoint.ts';
import { CHAT_TEMPLATE } from '../chatTemplate.ts';
import { otherWeights } from '../safetensors/noWeights.ts';
import { parseShardIndex } from '../safetensors/shardIndex.ts';
import { GENERATION_CONFIG } from './generationConfig.ts';
import { TOKEN_FILES } from './tokenizerFiles.ts';

/** Small files of a model; only the config must be there. */
const CONFIG = 'config.json';
const TOKENIZER = 'tokenizer.json';
/** Small files that change what a tokenizer or a generation does; a model may be without them. */
const EXTRAS = ['tokenizer_config.json', ...TOKEN_FILES, CHAT_TEMPLATE, GENERATION_CONFIG];
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
 * @throws NotFoundError when it is not on the hub, or not in the cache and the network is ruled
 * out; AccessError when it cannot be had; FormatError when its index or its bytes are damaged.
 */
export async function fetchHubModel(id: HubId, settings: HubSettings): Promise<HubModel> {
  const cache = new HubCache(settings.cacheDir, id.repo);
  const part = parseSplitName(id.file ?? '');
  if (part !== null && part.part > 1) {
    throw new UnsupportedModelError(`is part ${part.part} of ${part.count} of a split model.`, {
      where: `${id.repo}/${id.file}`,
      remedy: `Give its first part, ${quoted(part.all[0])}.`,
    });
  }
  const damaged: string[] = [];
  const cached = await findCached(cache, id, settings.revision, damaged);
  if (cached !== null && settings.offline) return cached.model;
  if (cached?.certain === true) return withExtras(cache, id, settings, cached.model);
  const where = `${id.repo} in ${settings.cacheDir}`;
  if (settings.offline && damaged.length > 0) {
    throw new FormatError(`the bytes of ${damaged.map((name) => quoted(name)).join(', ')} are not those of its hash.`, {
      where,
      remedy: 'Run once without --offline, which downloads it again.',
    });
  }
  if (settings.offline) {
    throw new NotFoundError(`is not complete in the cache at revision '${settings.revision}'.`, {
      where,
      remedy: 'Run once without --offline, or give the path of a local model.',
    });
  }
  try {
    const model = await download(cache, id, settings);
    const warnings = damaged.map((name) => `${where}: ${quoted(name)} was damaged and was downloaded again.`);
    return { ...model, warnings: [...model.warnings, ...warnings] };
  } catch (error) {
    if (cached === null || !(error instanceof AccessError)) throw error;
    return { ...cached.model, warnings: [`${error.message} Using the files in the cache.`] };
  }
}

/**
 * The model as the cache has it, or null. `certain` when nothing of it can be missing; not when
 * another program has filled the cache without a tokenizer and it is not known whether there is
 * one.
 * @param damaged gets the names of files whose bytes are wrong.
 */
async function findCached(
  cache: HubCache,
  id: HubId,
  revision: string,
  damaged: string[],
): Promise<{ model: HubModel; certain: boolean } | null> {
  const commit = await cache.commitOf(revision);
  const folder = commit === null ? null : await cache.snapshot(commit);
  if (commit === null || folder === null) return null;
  const model = (gguf: string | null): HubModel => ({ folder, commit, gguf, warnings: [] });
  const areThere = (names: readonly string[]): Promise<boolean> => areAllThere(folder, names, damaged);
  if (id.file !== null) return (await areThere(partsOf(id.file))) ? { model: model(id.file), certain: true } : null;
  if ((await areThere([CONFIG])) && (await hasSafetensors(folder, damaged))) {
    const certain = (await areThere([TOKENIZER])) || (await cache.isKnownAbsent(commit, TOKENIZER));
    return { model: model(null), certain };
  }
  const [gguf, ...more] = ggufNames(folder.files);
  if (gguf === undefined || more.length > 0 || !(await cache.isKnownAbsent(commit, SINGLE_FILE))) return null;
  return (await areThere(partsOf(gguf))) ? { model: model(gguf), certain: true } : null;
}

/** The files of a GGUF model, by the name of its first one. */
function partsOf(gguf: string): readonly string[] {
  return parseSplitName(gguf)?.all ?? [gguf];
}

/**
 * Fetches, of the commit that is cached, the small files that the cache neither has nor knows to be
 * missing: another program, or an older version of this one, may have left them out. Weights stay
 * as they are.
 */
async function withExtras(cache: HubCache, id: HubId, settings: HubSettings, model: HubModel): Promise<HubModel> {
  const { commit, folder } = model;
  if (model.gguf !== null) return model;
  const unknown: string[] = [];
  for (const name of EXTRAS) {
    if (!(await areAllThere(folder, [name], [])) && !(await cache.isKnownAbsent(commit, name))) unknown.push(name);
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

async function hasSafetensors(folder: Folder, damaged: string[]): Promise<boolean> {
  if (await areAllThere(folder, [SINGLE_FILE], damaged)) return true;
  if (!(await areAllThere(folder, [INDEX_FILE], damaged))) return false;
  return areAllThere(folder, await shardNames(folder), damaged);
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
    for (const part of partsOf(gguf)) await fetchFile(part);
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
  if (names.length === 0) {
    const nothing = 'has neither safetensors nor GGUF files in its top folder.';
    const other = otherWeights({ name: id.repo, files: new Set(files.keys()) });
    throw other ?? new NotFoundError(nothing, { where: id.repo });
  }
  const shown = names.slice(0, 12).map((name) => quoted(name));
  throw new NotFoundError(`has ${names.length} GGUF files: ${shown.join(', ')}.`, {
    where: id.repo,
    remedy: `Name one, such as ${quoted(`${id.repo}/${names[0]}`)}.`,
  });
}

function ggufNames(names: Iterable<string>): string[] {
  return ggufModels([...names].filter(isPlainFileName));
}

async function shardNames(folder: Folder): Promise<readonly string[]> {
  return parseShardIndex(await readJson(folder, INDEX_FILE), `${folder.name}: ${INDEX_FILE}`).files;
}

async function snapshot(cache: HubCache, commit: string): Promise<Folder> {
  const folder = await cache.snapshot(commit);
  if (folder === null) throw new NotFoundError('vanished from the cache.', { where: cache.snapshotPath(commit) });
  return folder;
}

/**
 * Whether files can be opened, and have the bytes they should have; a link in a snapshot may lead
 * nowhere.
 * @param damaged gets the name of a file that is there with other bytes.
 */
async function areAllThere(folder: Folder, names: readonly string[], damaged: string[]): Promise<boolean> {
  for (const name of names) {
    if (!folder.files.has(name)) return false;
    try {
      await (await folder.open(name)).close();
    } catch (error) {
      if (error instanceof BlockprunerError) return false;
      throw error;
    }
    if (await hasPromisedBytes(folder.name, name)) continue;
    damaged.push(name);
    return false;
  }
  return true;
}
