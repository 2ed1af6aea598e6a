/**
 * Rotary embedding settings in both spellings of config.json: `rope_theta` beside `rope_scaling` ({
 * type or rope_type, … }, null for none), and one `rope_parameters` that holds rope_theta too
 * (transformers 5).
 */
import type { RopeConfig } from '../../model/config.ts';
import { Fields } from './fields.ts';

/**
 * @returns the settings and the names of unknown fields inside them.
 * @throws UnsupportedModelError for a scaling other than default, linear and llama3; FormatError
 * for a bad value or for two spellings that disagree.
 */
export function parseRope(fields: Fields, defaultTheta: number): { rope: RopeConfig; unknownFields: string[] } {
  const spelling = ['rope_parameters', 'rope_scaling'].filter((name) => fields.has(name));
  if (spelling.length === 2 && !sameFields(fields.raw('rope_parameters'), fields.raw('rope_scaling'))) {
    throw fields.bad("fields 'rope_parameters' and 'rope_scaling' disagree.");
  }
  const name = spelling[0] ?? null;
  const outer = fields.has('rope_theta') ? fields.positive('rope_theta') : null;
  if (name === null) return { rope: { theta: outer ?? defaultTheta, scaling: { type: 'default' } }, unknownFields: [] };
  const read = new Fields(fields.raw(name), fields.where, `${name}.`);
  // A set of parameters for each kind of layer: no family we know has that.
  if (read.has('full_attention') || read.has('sliding_attention')) {
    throw fields.unsupported(name, 'settings for each kind of attention');
  }
  const inner = read.has('rope_theta') ? read.positive('rope_theta') : null;
  if (outer !== null && inner !== null && outer !== inner) {
    throw fields.bad(`fields 'rope_theta' and '${name}.rope_theta' disagree.`);
  }
  const scaling = parseScaling(read);
  return { rope: { theta: inner ?? outer ?? defaultTheta, scaling }, unknownFields: read.unread() };
}

function parseScaling(read: Fields): RopeConfig['scaling'] {
  const type = read.text('rope_type', read.text('type', 'default'));
  if (read.has('partial_rotary_factor') && read.raw('partial_rotary_factor') !== 1) {
    throw read.unsupported('partial_rotary_factor', read.raw('partial_rotary_factor'));
  }
  if (read.has('mrope_section')) throw read.unsupported('mrope_section', read.raw('mrope_section'));
  switch (type) {
    case 'default':
      return { type };
    case 'linear':
      return { type, factor: read.positive('factor') };
    case 'llama3': {
      const lowFreqFactor = read.positive('low_freq_factor');
      const highFreqFactor = read.positive('high_freq_factor');
      if (highFreqFactor <= lowFreqFactor) throw read.bad("rope 'high_freq_factor' must be above 'low_freq_factor'.");
      return {
        type,
        factor: read.positive('factor'),
        lowFreqFactor,
        highFreqFactor,
        originalMaxPositionEmbeddings: read.count('original_max_position_embeddings', 2 ** 31),
      };
    }
    default:
      throw read.unsupported('rope_type', type, 'Supported: default, linear, llama3.');
  }
}

/**
 * One level deep, which is all that a scaling we compute has: hostile nesting must not reach the
 * stack.
 */
function sameFields(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b;
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  return left.size === right.size && [...left].every(([name, value]) => right.get(name) === value);
}
