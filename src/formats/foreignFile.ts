/**
 * What a file is that is not a model file of the kind it was opened as, told by its first bytes.
 */
import { UnsupportedModelError } from '../errors.ts';

/** Pickles of protocols 2 to 5, alone or in a zip archive. */
const pickles = ['PK\u0003\u0004', '\u0080\u0002', '\u0080\u0003', '\u0080\u0004', '\u0080\u0005'];
/** Archives of gzip, zstd, 7z and bzip2. */
const archives = ['\u001F\u008B', '(\u00B5/\u00FD', '7z\u00BC\u00AF', 'BZh'];

/** How first bytes, as latin1 text, are known; what begins with them; what to do. */
const kinds: readonly (readonly [RegExp | readonly string[], string, string])[] = [
  [
    ['version https://git-lfs'],
    'is a Git LFS pointer: the file itself was not downloaded.',
    'Run git lfs pull in its repository, or download the file itself.',
  ],
  [/^\s*<(?:!doctype|html)/i, 'is a web page.', 'Download the file itself; the page may ask to log in.'],
  [['GGUF'], 'is a GGUF file.', 'Give the .gguf file itself as the model.'],
  [/^[^]{8}\{"/, 'is a safetensors file.', 'Give the folder it lies in, with its config.json.'],
  [['lmgg', 'fmgg', 'tjgg', 'algg'], 'is in a ggml format, which GGUF has replaced.', 'Use a GGUF file of the model.'],
  [
    pickles,
    'holds weights as PyTorch saves them, which are not read: a pickle can run code.',
    'Load it in transformers and save it again with save_pretrained, which writes safetensors.',
  ],
  [['\u0089HDF'], 'is an HDF5 file, as TensorFlow saves weights.', 'Save the model as safetensors.'],
  [archives, 'is a compressed archive.', 'Unpack it first.'],
];

/** Bytes that are enough to tell. */
export const FIRST_BYTES = 64;

/**
 * The error for a file that is something else by its first bytes; null where they say nothing.
 * @param first at least its first `FIRST_BYTES`, or all it has.
 */
export function foreignFile(first: Uint8Array, where: string): UnsupportedModelError | null {
  const text = String.fromCharCode(...first.subarray(0, FIRST_BYTES));
  const kind = kinds.find(([begin]) => {
    return begin instanceof RegExp ? begin.test(text) : begin.some((bytes) => text.startsWith(bytes));
  });
  return kind === undefined ? null : new UnsupportedModelError(kind[1], { where, remedy: kind[2] });
}
