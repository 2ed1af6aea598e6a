import type { ModelConfig } from '../../model/config.ts';
import type { GenerationDefaults } from '../generationDefaults.ts';

/** Where a GGUF file keeps how its authors sample. */
const SAMPLING = 'general.sampling.';
const FROM = 'GGUF metadata';

/**
 * What a GGUF file says about generating: end of text, end of turn and end of message end a text.
 */
export function ggufGeneration(metadata: ReadonlyMap<string, unknown>, config: ModelConfig): GenerationDefaults {
  const message = metadata.get('tokenizer.ggml.eom_token_id');
  const valid = typeof message === 'number' && Number.isInteger(message) && message >= 0 && message < config.vocabSize;
  const suggested = Object.fromEntries(
    [...metadata]
      .filter(([key]) => key.startsWith(SAMPLING))
      .map(([key, value]) => [key.slice(SAMPLING.length).replace(/^temp$/, 'temperature'), value]),
  );
  return {
    endTokenIds: [...new Set(valid ? [...config.eosTokenIds, message] : config.eosTokenIds)],
    endTokensFrom: FROM,
    suggested,
    suggestedBy: Object.keys(suggested).length > 0 ? FROM : null,
  };
}
