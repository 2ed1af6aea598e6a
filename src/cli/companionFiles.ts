/** What goes along with a model's weights into the folder of its healed copy. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AccessError, UsageError } from '../errors.ts';
import { isCompanion } from '../formats/write/companions.ts';
import { writtenConfig } from '../formats/huggingface/writtenConfig.ts';
import { INDEX_FILE, SINGLE_FILE } from '../formats/safetensors/checkpoint.ts';
import type { ModelConfig } from '../model/config.ts';
import { accessError } from '../platform/nodeFile.ts';

const CONFIG = 'config.json';

/** A folder of further chat templates, as transformers writes it. */
const TEMPLATES = 'additional_chat_templates';

/**
 * The files that go along, relative to the model's folder. All are copied as they are, but for what
 * config.json says of the head.
 * @param what writes them, for the message.
 * @throws UsageError unless the model is a folder with config.json and safetensors: one with
 * config.json and a .gguf file is a GGUF model, whose config.json may say nothing.
 */
export async function companionFiles(folder: string, what: string = 'healing'): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  if (!names.includes(CONFIG) || !(names.includes(SINGLE_FILE) || names.includes(INDEX_FILE))) {
    throw new UsageError(`${what} writes a model folder and needs one to begin with.`, {
      where: folder,
      remedy: 'Give a folder with config.json and safetensors.',
    });
  }
  const templates = await readdir(join(folder, TEMPLATES)).catch((): string[] => []);
  return [
    ...names.filter(isCompanion),
    ...templates.filter((name) => name.endsWith('.jinja')).map((name) => join(TEMPLATES, name)),
  ];
}

/** @throws NotFoundError or AccessError naming the file. */
function read(path: string): Promise<Buffer> {
  return readFile(path).catch((cause: unknown) => {
    throw accessError(path, cause);
  });
}

/** A file's bytes as they are written beside weights of this config. */
function written(name: string, bytes: Buffer, config: ModelConfig): Buffer {
  return name === CONFIG ? Buffer.from(writtenConfig(bytes.toString(), config)) : bytes;
}

/**
 * Checks before anything is computed that all can be read, and that no other file of the same name
 * would be replaced.
 * @throws NotFoundError or AccessError naming the file.
 */
export async function checkCompanions(
  folder: string,
  names: readonly string[],
  out: string,
  force: boolean,
  config: ModelConfig,
): Promise<void> {
  for (const name of names) {
    const bytes = await read(join(folder, name));
    const target = join(out, name);
    const there = await readFile(target).catch(() => null);
    if (force || there === null || there.equals(bytes) || there.equals(written(name, bytes, config))) continue;
    throw new AccessError("differs from the model's and would be replaced.", {
      where: target,
      remedy: 'Give another --out, or --force to replace it.',
    });
  }
}

/**
 * The files as they are written beside weights of this config.
 * @throws NotFoundError or AccessError naming the file.
 */
export async function readCompanions(
  folder: string,
  names: readonly string[],
  config: ModelConfig,
): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const name of names) files.set(name, written(name, await read(join(folder, name)), config));
  return files;
}
