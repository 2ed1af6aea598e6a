import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { expandPath } from './expandPath.ts';

/** How to reach the hub and where its cache lies. What is absent comes from the environment. */
export interface HubOptions {
  /** Never use the network. Default: whether HF_HUB_OFFLINE is set. */
  offline?: boolean;
  /** Branch, tag or commit. Default: main. */
  revision?: string;
  /** Default: HF_TOKEN. */
  token?: string;
  /** Default: HF_HUB_CACHE, or `hub` under HF_HOME, or ~/.cache/huggingface/hub. */
  cacheDir?: string;
  /** Default: HF_ENDPOINT, or the public hub. */
  endpoint?: string;
  /** Called as the bytes of a file arrive. */
  onProgress?: (progress: DownloadProgress) => void;
}

export interface DownloadProgress {
  file: string;
  /** Bytes had so far, those of an earlier attempt included. */
  received: number;
  total: number;
}

export interface HubSettings {
  offline: boolean;
  revision: string;
  token: string | null;
  cacheDir: string;
  endpoint: string;
  onProgress: (progress: DownloadProgress) => void;
}

/**
 * Options completed from the environment, by the names Hugging Face's own tools use.
 * @throws UsageError for an endpoint that is not an http(s) address or holds a password, a revision
 * that cannot be one, a folder that cannot be expanded.
 */
export function hubSettings(
  options: HubOptions,
  env: Readonly<Record<string, string | undefined>> = process.env,
): HubSettings {
  const folder = (name: string): string => expandPath(env[name] ?? '', name, env.HOME || homedir(), env);
  const cacheHome = folder('XDG_CACHE_HOME') || join(homedir(), '.cache');
  const home = folder('HF_HOME') || join(cacheHome, 'huggingface');
  const endpoint = (options.endpoint ?? (env.HF_ENDPOINT || 'https://huggingface.co')).replace(/\/+$/, '');
  const url = URL.parse(endpoint);
  if (!/^https?:$/.test(url?.protocol ?? '')) {
    throw new UsageError(`'${withoutPassword(endpoint)}' is not an http(s) address.`, { where: 'HF_ENDPOINT' });
  }
  if (url?.username !== '' || url.password !== '') {
    throw new UsageError('holds a user name or a password, which is not sent.', {
      where: 'HF_ENDPOINT',
      remedy: 'Give the address without it; a token goes into HF_TOKEN.',
    });
  }
  const revision = options.revision ?? 'main';
  // It becomes a path below refs/.
  if (!/^\w[\w.-]*(?:\/\w[\w.-]*)*$/.test(revision) || revision.includes('..')) {
    throw new UsageError('is not a branch, tag or commit.', { where: `revision '${revision.slice(0, 80)}'` });
  }
  return {
    offline: options.offline ?? /^(?:1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? ''),
    revision,
    token: options.token ?? (env.HF_TOKEN?.trim() || null),
    cacheDir: options.cacheDir ?? (folder('HF_HUB_CACHE') || folder('HUGGINGFACE_HUB_CACHE') || join(home, 'hub')),
    endpoint,
    onProgress: options.onProgress ?? (() => undefined),
  };
}

/** An address fit for a message: what stands before its last @ may be a password. */
function withoutPassword(address: string): string {
  return address.replace(/^.*@/s, '…@');
}
