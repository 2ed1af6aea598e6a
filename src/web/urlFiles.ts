/** The files of a model that a page names by one address. */
import { AccessError, NotFoundError } from '../errors.ts';
import type { WebFile } from './protocol.ts';

const WEIGHTS = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/**
 * Files of a Hugging Face folder beside its weights. A page cannot list a folder, so it asks for
 * each.
 */
const COMPANIONS = [
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'generation_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
] as const;

/**
 * A .gguf file, or what there is of a Hugging Face folder.
 * @param fetched the page's `fetch`.
 * @throws NotFoundError where neither is there, AccessError where the server cannot be asked.
 */
export async function urlFiles(url: string, fetched: typeof fetch = fetch): Promise<WebFile[]> {
  const [path, query = ''] = url.split(/(?=[?#])/s, 2);
  if (/\.gguf$/i.test(path)) return [{ name: path.slice(path.lastIndexOf('/') + 1), from: url }];
  const from = (name: string): string => `${path.replace(/\/?$/, '/')}${name}${query}`;
  const there = async (name: string): Promise<boolean> => isFile(await answer(from(name), 'HEAD', fetched));
  if (!(await there('config.json'))) {
    throw new NotFoundError('there is no config.json, and it is no .gguf file.', {
      where: path,
      remedy: 'Give the address of a folder with config.json, or of a .gguf file; or give the files themselves.',
    });
  }
  const companions = await Promise.all(COMPANIONS.map(async (name) => ((await there(name)) ? [name] : [])));
  const weights = (await there(WEIGHTS)) ? [WEIGHTS] : await shards(from(INDEX), fetched);
  return ['config.json', ...companions.flat(), ...weights].map((name) => ({ name, from: from(name) }));
}

/** The index of a sharded model and the files it names; nothing where there is none. */
async function shards(url: string, fetched: typeof fetch): Promise<string[]> {
  const response = await answer(url, 'GET', fetched);
  if (!isFile(response)) return [];
  // What is wrong with it is told when the model is opened.
  const index = (await response.json().catch(() => null)) as { weight_map?: unknown } | null;
  const map = Object.values(index?.weight_map ?? {});
  return [INDEX, ...new Set(map.filter((name): name is string => typeof name === 'string'))];
}

/** Many servers send their start page for what they do not have. */
function isFile({ ok, headers }: Response): boolean {
  return ok && !/^text\/html\b/i.test(headers.get('content-type') ?? '');
}

async function answer(url: string, method: 'HEAD' | 'GET', fetched: typeof fetch): Promise<Response> {
  try {
    return await fetched(url, { method });
  } catch (cause) {
    throw new AccessError('cannot be fetched.', {
      where: url.replace(/[?#].*$/s, ''),
      remedy: 'The server may be down, or not allow this page to read from it (CORS).',
      cause,
    });
  }
}
