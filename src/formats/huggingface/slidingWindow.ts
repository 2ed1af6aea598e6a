/**
 * Which layers see a window of the past only. A window of W means that a query sees the W keys up
 * to and including its own. Each function gives one entry a layer; null = all keys.
 */
import type { Fields } from './fields.ts';

type Windows = (number | null)[];

const MAX_WINDOW = 2 ** 31;

/**
 * Mistral: one `sliding_window` for all layers; null = none, absent = 4096, which is its class's
 * default.
 */
export function windowOfAllLayers(fields: Fields, layers: number): Windows {
  const value = fields.raw('sliding_window');
  const window = value === null ? null : fields.count('sliding_window', MAX_WINDOW, 4096);
  const types = layerTypes(fields, layers);
  const expected = window === null ? 'full_attention' : 'sliding_attention';
  const other = types?.find((type) => type !== expected);
  if (other !== undefined) throw fields.unsupported('layer_types', `${other} with sliding_window ${String(window)}`);
  return Array.from({ length: layers }, () => window);
}

/**
 * Qwen 2 and 3: a window only where `use_sliding_window`; then for the layers that `layer_types`
 * calls sliding_attention, or, without that list, for those from `max_window_layers` on.
 */
export function windowOfUpperLayers(fields: Fields, layers: number): Windows {
  const uses = fields.flag('use_sliding_window', false);
  const stated = fields.raw('sliding_window') === null ? null : fields.count('sliding_window', MAX_WINDOW, 4096);
  const window = uses ? stated : null;
  const first = maxWindowLayers(fields);
  const types = layerTypes(fields, layers);
  if (types === null) return Array.from({ length: layers }, (_, layer) => (layer >= first ? window : null));
  if (window === null && types.includes('sliding_attention')) {
    throw fields.unsupported('layer_types', 'sliding_attention without a sliding_window in use');
  }
  return types.map((type) => (type === 'sliding_attention' ? window : null));
}

/** Llama: none. A file that asks for one is refused, as programs disagree about what it means. */
export function noWindow(fields: Fields, layers: number): Windows {
  if (fields.has('sliding_window')) throw fields.unsupported('sliding_window', fields.raw('sliding_window'));
  const other = layerTypes(fields, layers)?.find((type) => type !== 'full_attention');
  if (other !== undefined) throw fields.unsupported('layer_types', other);
  return Array.from({ length: layers }, () => null);
}

function maxWindowLayers(fields: Fields): number {
  const value = fields.raw('max_window_layers') ?? 28;
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw fields.bad("field 'max_window_layers' is not a whole number of 0 or above.");
}

function layerTypes(fields: Fields, layers: number): string[] | null {
  const value = fields.raw('layer_types') ?? null;
  if (value === null) return null;
  if (!Array.isArray(value) || value.length !== layers) {
    throw fields.bad(`field 'layer_types' is not a list of ${layers} names, one a layer.`);
  }
  const unknown: unknown = value.find((type) => type !== 'full_attention' && type !== 'sliding_attention');
  if (unknown !== undefined) throw fields.unsupported('layer_types', unknown);
  return value as string[];
}
