import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { HubOptions } from '../../src/platform/hub/settings.ts';
import { startHub, type HubServer, type Repo } from './hubServer.ts';

export interface Place {
  readonly hub: HubServer;
  /** An empty cache, inside a folder of its own. */
  readonly cacheDir: string;
  /** How to reach both; nothing is left to the environment. */
  readonly options: Readonly<HubOptions> & { readonly cacheDir: string; readonly endpoint: string };
}

/** Runs a spec with a hub and an empty cache; both are gone afterwards. */
export async function withHub(
  repos: Readonly<Record<string, Repo>>,
  run: (place: Place) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const hub = await startHub(repos);
    const cacheDir = join(folder, 'outer', 'cache');
    try {
      await run({ hub, cacheDir, options: { cacheDir, endpoint: hub.endpoint, offline: false, token: undefined } });
    } finally {
      await hub.close();
    }
  });
}

/** Runs a spec with a temporary folder. */
export async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'blockpruner-'));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** All files and links below a folder, by their paths in it, sorted. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

/** Every blob that bears a final name has the content its name promises. */
export async function expectSoundBlobs(cacheDir: string, repo: string): Promise<void> {
  const blobs = join(cacheDir, `models--${repo.replace('/', '--')}`, 'blobs');
  if ((await stat(blobs).catch(() => null)) === null) return;
  for (const name of await readdir(blobs)) {
    if (name.endsWith('.incomplete')) continue;
    const bytes = await readFile(join(blobs, name));
    const hash =
      name.length === 64
        ? createHash('sha256').update(bytes)
        : createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes);
    expect(hash.digest('hex'), name).toBe(name);
  }
}
