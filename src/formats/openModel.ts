/** From what a user types to a model: a folder, a .gguf file, or a model of the hub. */
import { NotFoundError } from '../errors.ts';
import { parseHubId, type HubId } from '../platform/hub/hubId.ts';
import { hubSettings, type HubOptions } from '../platform/hub/settings.ts';
import type { ByteSource } from '../platform/byteSource.ts';
import { openFile } from '../platform/nodeFile.ts';
import { kindOfPath, openFolder } from '../platform/nodeModelFolder.ts';
import { fetchHubModel } from './huggingface/hubModel.ts';
import { openFolderModel, openGgufModel, type OpenedModel } from './modelFiles.ts';

export type { OpenedModel };

/**
 * Opens a model; weights are read later, when they are asked for.
 * @param argument a folder with config.json and safetensors (or one .gguf file), a .gguf file, or `owner/name` or
 * `owner/name/file.gguf` on the hub. A path that exists comes first.
 * @throws NotFoundError, AccessError, FormatError or UnsupportedModelError, naming what is wrong and where.
 */
export async function openModel(argument: string, options: HubOptions = {}): Promise<OpenedModel> {
  const kind = await kindOfPath(argument);
  if (kind === 'file') return openGgufModel(await openFile(argument), argument);
  if (kind === 'folder') return openFolderModel(await openFolder(argument), argument);
  const id = parseHubId(argument);
  if (id !== null) return openHubModel(id, options);
  throw new NotFoundError('there is no such file or folder, and it is no model id of the hub (owner/name).', {
    where: argument,
    remedy: 'Give a folder with config.json and safetensors, a .gguf file, or owner/name.',
  });
}

async function openHubModel(id: HubId, options: HubOptions): Promise<OpenedModel> {
  const { folder, commit, gguf, warnings } = await fetchHubModel(id, hubSettings(options));
  const name = `${id.repo}${gguf === null ? '' : `/${gguf}`}@${commit.slice(0, 7)}`;
  if (gguf !== null) return openGgufModel(named(await folder.open(gguf), name), name, warnings);
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
