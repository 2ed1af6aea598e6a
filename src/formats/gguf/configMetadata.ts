/** What a GGUF file says of a model of another format: its config, without a tokenizer. */
import type { ModelConfig } from '../../model/config.ts';
import { plainArch } from './layout.ts';
import type { GgufType, GgufValue, TypedValue } from './valueTypes.ts';
import type { GgufMetadata } from './writtenMetadata.ts';

/** The keys of the whole model; those of its layers come with them when they are written. */
export function configMetadata(config: ModelConfig): GgufMetadata {
  const arch = plainArch(config);
  const keys = new Map<string, TypedValue>();
  const set = (key: string, type: GgufType, value: GgufValue): void => {
    keys.set(key, { type, value });
  };
  set('general.architecture', 'string', arch);
  set(`${arch}.context_length`, 'u32', config.maxPositionEmbeddings);
  set(`${arch}.embedding_length`, 'u32', config.hiddenSize);
  set(`${arch}.attention.layer_norm_${config.norm.type === 'rms' ? 'rms_' : ''}epsilon`, 'f32', config.norm.eps);
  if (config.rope !== null) {
    const { theta, scaling } = config.rope;
    set(`${arch}.rope.freq_base`, 'f32', theta);
    if (scaling.type === 'linear') {
      set(`${arch}.rope.scaling.type`, 'string', 'linear');
      set(`${arch}.rope.scaling.factor`, 'f32', scaling.factor);
    }
  }
  const window = config.layers.find(({ mha }) => mha !== null)?.mha?.window ?? null;
  if (window !== null) set(`${arch}.attention.sliding_window`, 'u32', window);
  const [eos, eot] = config.eosTokenIds;
  const tokens = { bos: config.bosTokenId, eos, eot, padding: config.padTokenId };
  for (const [name, id] of Object.entries(tokens)) {
    if (id !== null && id !== undefined) set(`tokenizer.ggml.${name}_token_id`, 'u32', id);
  }
  return keys;
}
