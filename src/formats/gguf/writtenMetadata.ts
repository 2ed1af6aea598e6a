/** The metadata of a GGUF file that is written: the model's own, with other layers. */
import { FormatError, UnsupportedModelError } from '../../errors.ts';
import type { LayerSpec, ModelConfig } from '../../model/config.ts';
import type { WrittenType } from './quantize.ts';
import type { TypedValue } from './valueTypes.ts';

export type GgufMetadata = ReadonlyMap<string, TypedValue>;

/** What the file says of its layers. */
export interface WrittenLayers {
  readonly arch: string;
  /** The file's layers, zero blocks included. */
  readonly config: ModelConfig;
  /** The type that most tensors were turned into; null where they were copied. */
  readonly type: WrittenType | null;
}

/** `general.file_type`: which type most tensors have. */
const fileTypes: Readonly<Record<WrittenType, number>> = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7, BF16: 32 };

/** What is no longer true of a model with other layers, or of a file that is not one of several. */
const stale = /^(?:split\.|general\.(?:parameter_count|size_label)$)/;

/**
 * The keys of a model's own file in their order, those of its layers replaced. A key that all
 * layers share stays a number where they agree, and becomes a list where they do not.
 * @throws FormatError for a file without an architecture, UnsupportedModelError for windows that
 * the format cannot say.
 */
export function writtenMetadata(own: GgufMetadata, { arch, config, type }: WrittenLayers): Map<string, TypedValue> {
  const before = own.get('general.architecture')?.value;
  if (typeof before !== 'string') throw new FormatError("key 'general.architecture' is missing.");
  const layerKeys = new Map([...layersOf(config)].map(([key, value]) => [`${arch}.${key}`, value]));
  checkWindows(config, arch);
  if (type !== null) layerKeys.set('general.file_type', number(fileTypes[type]));
  const written = new Map<string, TypedValue>();
  for (const [key, value] of own) {
    if (stale.test(key)) continue;
    const name = key.startsWith(`${before}.`) ? `${arch}${key.slice(before.length)}` : key;
    written.set(name, layerKeys.get(name) ?? (key === 'general.architecture' ? text(arch) : value));
    layerKeys.delete(name);
  }
  for (const [key, value] of layerKeys) written.set(key, value);
  return written;
}

function layersOf({ layers, headDim, rope }: ModelConfig): Map<string, TypedValue> {
  return new Map([
    ['block_count', number(layers.length)],
    ['attention.head_count', perLayer(layers, ({ mha }) => mha?.heads ?? 0)],
    ['attention.head_count_kv', perLayer(layers, ({ mha }) => mha?.kvHeads ?? 0)],
    ['feed_forward_length', perLayer(layers, ({ mlp }) => mlp?.intermediateSize ?? 0)],
    // llama.cpp would take them from layer 0, which may have other heads.
    ['attention.key_length', number(headDim)],
    ['attention.value_length', number(headDim)],
    ...(rope === null ? [] : ([['rope.dimension_count', number(headDim)]] as const)),
  ]);
}

function perLayer(layers: readonly LayerSpec[], of: (layer: LayerSpec) => number): TypedValue {
  const values = layers.map(of);
  if (values.every((value) => value === values[0])) return number(values[0]);
  return { type: { array: 'u32' }, value: Uint32Array.from(values) };
}

/**
 * Mistral's window is one key for all layers.
 * @throws UnsupportedModelError where kept layers have different windows.
 */
function checkWindows({ layers, family }: ModelConfig, arch: string): void {
  const windows = layers.flatMap(({ mha }) => (mha === null ? [] : [mha.window]));
  const differing = new Set(windows).size > 1;
  if (!differing && (windows[0] === null || arch === 'llama' || arch === 'deci')) return;
  throw new UnsupportedModelError(`a GGUF file of a ${family} model cannot say which layers have a window.`);
}

function number(value: number): TypedValue {
  return { type: 'u32', value };
}

function text(value: string): TypedValue {
  return { type: 'string', value };
}
