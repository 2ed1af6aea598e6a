import { lstat, mkdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AccessError } from '../../../src/errors.ts';
import { HubCache, isCommit } from '../../../src/platform/hub/cache.ts';
import { commitHash } from '../../hub/hubServer.ts';
import { filesBelow, withFolder } from '../../hub/withHub.ts';

const commit = commitHash('first');
const other = commitHash('second');

it('a revision is known once it is remembered; a commit knows itself and is not written down', async () => {
  await withFolder(async (folder) => {
    const cache = new HubCache(folder, 'lab/tiny');
    expect(await cache.commitOf('main')).toBeNull();
    for (const hash of [commit, other]) {
      for (const revision of ['main', 'refs/pr/3']) {
        await cache.rememberCommit(revision, hash);
        expect(await cache.commitOf(revision)).toBe(hash);
      }
    }
    await cache.rememberCommit(commit, commit);
    expect(await cache.commitOf(commit)).toBe(commit);
    expect(await filesBelow(folder)).toEqual(['main', 'refs/pr/3'].map((name) => `models--lab--tiny/refs/${name}`));
    await writeFile(join(cache.folder, 'refs/main'), '../../outside');
    expect(await cache.commitOf('main')).toBeNull();
    expect([isCommit(commit.toUpperCase()), isCommit(commit.slice(1)), isCommit(`${commit}\n`)]).toEqual([
      false,
      false,
      false,
    ]);
  });
});

it('a file that is linked anew is there at every moment', async () => {
  await withFolder(async (folder) => {
    const cache = new HubCache(folder, 'lab/tiny');
    await mkdir(join(cache.folder, 'blobs'), { recursive: true });
    const contents = ['a', 'b'].map((letter) => letter.repeat(1000));
    for (const content of contents) await writeFile(cache.blobPath(content[0]), content);
    await cache.link('a', commit, 'x');
    const path = join(cache.snapshotPath(commit), 'x');
    const linking = (async () => {
      for (let i = 0; i < 100; i++) await Promise.all([cache.link('a', commit, 'x'), cache.link('b', commit, 'x')]);
    })();
    for (let i = 0; i < 200; i++) expect(contents, `read ${i}`).toContain(await readFile(path, 'utf8'));
    await linking;
    expect(await readlink(path)).toMatch(/^\.\.\/\.\.\/blobs\/[ab]$/);
    expect([...((await cache.snapshot(commit))?.files ?? [])]).toEqual(['x']);
  });
});

it('what leads to the blob already, or is a copy of it, stays; anything else is replaced', async () => {
  await withFolder(async (folder) => {
    const cache = new HubCache(folder, 'lab/tiny');
    await mkdir(join(cache.folder, 'blobs'), { recursive: true });
    await writeFile(cache.blobPath('a'), 'bytes');
    await mkdir(cache.snapshotPath(commit), { recursive: true });
    const path = join(cache.snapshotPath(commit), 'x');
    const inode = async (): Promise<bigint> => (await lstat(path, { bigint: true })).ino;
    const linked = async (): Promise<[boolean, boolean]> => {
      const before = await inode();
      await cache.link('a', commit, 'x');
      expect(await readFile(path, 'utf8')).toBe('bytes');
      return [before === (await inode()), (await lstat(path)).isSymbolicLink()];
    };
    // A copy, as on systems without links.
    await writeFile(path, 'bytes');
    expect(await linked()).toEqual([true, false]);
    await writeFile(path, 'other');
    expect(await linked()).toEqual([false, true]);
    expect(await linked()).toEqual([true, true]);
    await rm(path);
    await symlink('nowhere', path);
    expect((await linked())[1]).toBe(true);
  });
});

it('a cache that cannot be written to is a typed error', async () => {
  await withFolder(async (folder) => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const cache = new HubCache(file, 'lab/tiny');
    expect(await cache.commitOf('main')).toBeNull();
    expect(await cache.snapshot(commit)).toBeNull();
    await expect(cache.rememberCommit('main', commit)).rejects.toThrow(AccessError);
    await expect(cache.rememberAbsent(commit, 'x')).rejects.toThrow(AccessError);
    await expect(cache.link('a', commit, 'x')).rejects.toThrow(AccessError);
    await mkdir(join(folder, 'models--lab--tiny/snapshots', commit, 'x'), { recursive: true });
    await expect(new HubCache(folder, 'lab/tiny').link('a', commit, 'x')).rejects.toThrow(AccessError);
  });
});
