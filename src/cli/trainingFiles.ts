/** The files of a training run: its checkpoint, and the recipe it follows. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { FormatError, UsageError } from '../errors.ts';
import { accessError, readTextFile } from '../platform/nodeFile.ts';
import { writeFileWhole } from '../platform/nodeFolder.ts';
import type { CheckpointStore } from '../train/checkpoint.ts';
import { checkRecipe, type Recipe } from '../train/recipe.ts';
import { loadModule } from './loadModule.ts';

/** A checkpoint in a file. @param fresh leaves what is there unread. */
export function fileCheckpoint(path: string, fresh: boolean): CheckpointStore {
  return {
    name: path,
    async read() {
      if (fresh) return null;
      try {
        return new Uint8Array(await readFile(path));
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw accessError(path, cause);
      }
    },
    write: (bytes) => writeFileWhole(path, bytes),
  };
}

export interface LoadedRecipe {
  recipe: Recipe;
  source: string;
  /** A file that the recipe names, relative to it. */
  readText: (file: string) => Promise<string>;
  /** Paths of all files read so far, the recipe's own left out. */
  files: readonly string[];
}

/**
 * Reads a recipe: a .json file, or a module that exports `recipe`.
 * @throws NotFoundError, FormatError, UsageError naming the file.
 */
export async function loadRecipe(path: string): Promise<LoadedRecipe> {
  if (!/\.(json|[cm]?[jt]s)$/.test(path)) {
    throw new UsageError('is neither a .json file nor a module (.ts, .js).', { where: path });
  }
  const source = await readTextFile(path);
  const files: string[] = [];
  return {
    recipe: checkRecipe(await recipeValue(path, source), path),
    source,
    readText(file) {
      const found = resolve(dirname(path), file);
      files.push(found);
      return readTextFile(found);
    },
    files,
  };
}

async function recipeValue(path: string, source: string): Promise<unknown> {
  if (path.endsWith('.json')) {
    try {
      return JSON.parse(source);
    } catch (cause) {
      throw new FormatError('is not valid JSON.', { where: path, cause });
    }
  }
  return (await loadModule(path)).recipe;
}
