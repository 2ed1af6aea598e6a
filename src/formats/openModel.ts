/** From what a user types to a model: a folder, a .gguf file, or a model of the hub. */
import { NotFoundError, UsageError } from '../errors.ts';
import { parseAnyHubId, parseHubId, type HubId } from '../platform/hub/hubId.ts';
import { hubSettings, type HubOptions } from '../platform/hub/settings.ts';
import type { ByteSource } from '../platform/byteSource.ts';
import { openFile } from '../platform/nodeFile.ts';
import { besideFile, kindOfPath, openFolder } from '../platform/nodeModelFolder.ts';
import { fetchHubModel } from './huggingface/hubModel.ts';
import { openFolderModel, openGgufModel, type OpenedModel } from './modelFiles.ts';
import { tinyModelFolder } from './tinyModel.ts';

export type { OpenedModel };

/**
 * How the hub is reached, and whether the argument names a model there whatever lies on this
 * machine.
 */
export interface OpenOptions extends HubOptions {
  hub?: boolean;
}

/** Endings that files have and models of the hub do not. */
const fileEnding = /\.(?:gguf|safetensors|bin|pt|pth|json)$/i;

/**
 * Opens a model; weights are read later, when they are asked for.
 * @param argument a folder with config.json and safetensors (or one .gguf file), a .gguf file, or
 * `owner/name` or `owner/name/file.gguf` on the hub, or `tiny:planted`, which comes along. A path
 * that exists comes before a hub id; what looks like a path is never asked for on the hub. With
 * `hub` it is an id, which then may be a name alone (`gpt2`).
 * @throws NotFoundError, AccessError, FormatError or UnsupportedModelError, naming what is wrong
 * and where.
 */
export async function openModel(argument: string, options: OpenOptions = {}): Promise<OpenedModel> {
  if (options.hub === true) {
    const id = parseAnyHubId(argument);
    if (id !== null) return openHubModel(id, options);
    throw new UsageError('is not an id of a model on the hub.', {
      where: argument,
      remedy: 'Give owner/name, or name.',
    });
  }
  const tiny = tinyModelFolder(argument);
  if (tiny !== null) return openFolderModel(await openFolder(tiny), tiny);
  const kind = await kindOfPath(argument);
  if (kind === 'file') return openGgufModel(await openFile(argument), argument, [], besideFile(argument));
  if (kind === 'folder') return openFolderModel(await openFolder(argument), argument);
  const id = parseHubId(argument);
  if (id !== null && !(await looksLikePath(id))) return openHubModel(id, options);
  throw noSuchPath(argument);
}

/** `tiny-models/plnted` beside a folder tiny-models, or `models/x.gguf`: a path that is wrong. */
async function looksLikePath({ repo, file }: HubId): Promise<boolean> {
  const [owner, name] = repo.split('/');
  return (file === null && fileEnding.test(name)) || (await kindOfPath(owner)) === 'folder';
}

function noSuchPath(argument: string): NotFoundError {
  if (parseAnyHubId(argument) === null) {
    return new NotFoundError('there is no such file or folder, and it is not a model id of the hub (owner/name).', {
      where: argument,
      remedy: 'Give a folder with config.json and safetensors, a .gguf file, or owner/name.',
    });
  }
  // No model id of the hub ends so.
  if (/\.gguf$/i.test(argument)) {
    return new NotFoundError('there is no such file or folder.', {
      where: argument,
      remedy: 'Check the path. Give a folder with config.json and safetensors, or a .gguf file.',
    });
  }
  return new NotFoundError('there is no such file or folder.', {
    where: argument,
    remedy: 'Give a folder with config.json and safetensors, or a .gguf file; for a model of the hub add --hub.',
  });
}

async function openHubModel(id: HubId, options: HubOptions): Promise<OpenedModel> {
  const { folder, commit, gguf, warnings } = await fetchHubModel(id, hubSettings(options));
  const name = `${id.repo}${gguf === null ? '' : `/${gguf}`}@${commit.slice(0, 7)}`;
  if (gguf !== null) {
    const beside = { file: gguf, open: (part: string) => folder.open(part) };
    return openGgufModel(named(await folder.open(gguf), name), name, warnings, beside);
  }
  return openFolderModel({ ...folder, name }, name, warnings);
}

/** The same bytes under the name the user knows them by. */
function named(source: ByteSource, name: string): ByteSource {
  return {
    name,
    size: source.size,
    read: (offset, length) => source.read(offset, length),
    assertUnchanged: () => source.assertUnchanged(),
    close: () => source.close(),
  };
}
