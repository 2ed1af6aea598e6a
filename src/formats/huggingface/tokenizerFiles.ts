/** The tokenizer of a model folder, or the reason why it has no tokenizer. */
import { NotFoundError, UnsupportedModelError } from '../../errors.ts';
import type { Folder } from '../../platform/folder.ts';
import { configuredTokenizer } from '../../tokenizer/fromJson.ts';
import type { Tokenizer } from '../../tokenizer/tokenizer.ts';
import { readJson } from '../jsonFile.ts';
import { quoted } from '../quoted.ts';

/** Where older versions of transformers keep special and added tokens. */
export const TOKEN_FILES = ['special_tokens_map.json', 'added_tokens.json'] as const;

/** Files in which other programs keep a tokenizer. The first that is there is named. */
const otherKinds: readonly (readonly [RegExp, string])[] = [
  [/^tokenizer\.model(?:\.v\d+)?$|^sentencepiece.*\.model$|^spiece\.model$/, 'SentencePiece'],
  [/^tekken\.json$/, 'Mistral'],
  [/\.tiktoken$/, 'tiktoken'],
  [/^vocab\.json$/, 'vocabulary and merges'],
  [/^vocab\.txt$/, 'WordPiece'],
];

/**
 * @param name of the model, for messages.
 * @returns the tokenizer, and what the user should be told.
 * @throws NotFoundError where the folder has no tokenizer; FormatError and UnsupportedModelError
 * for one that cannot be used.
 */
export async function readFolderTokenizer(
  folder: Folder,
  name: string,
): Promise<{ tokenizer: Tokenizer; warnings: readonly string[] }> {
  if (!folder.files.has('tokenizer.json')) throw noTokenizerJson(folder, name);
  const optional = (file: string): Promise<unknown> =>
    folder.files.has(file) ? readJson(folder, file) : Promise.resolve(undefined);
  const json = await readJson(folder, 'tokenizer.json');
  const [specialTokensMap, addedTokens] = [await optional(TOKEN_FILES[0]), await optional(TOKEN_FILES[1])];
  const files = { config: await optional('tokenizer_config.json'), specialTokensMap, addedTokens };
  return configuredTokenizer(json, files, name);
}

function noTokenizerJson(folder: Folder, name: string): NotFoundError | UnsupportedModelError {
  for (const [pattern, kind] of otherKinds) {
    const other = [...folder.files].find((file) => pattern.test(file));
    if (other === undefined) continue;
    return new UnsupportedModelError(`the tokenizer is in ${quoted(other)} (${kind}), which is not read.`, {
      where: name,
      remedy:
        'Write a tokenizer.json with Python: transformers.AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER).',
    });
  }
  return new NotFoundError('there is no tokenizer.json.', {
    where: name,
    remedy: "Put the model's own tokenizer.json beside config.json.",
  });
}
