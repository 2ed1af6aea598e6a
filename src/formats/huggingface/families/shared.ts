import type { ModelConfig } from '../../../model/config.ts';
import type { Fields } from '../fields.ts';

/** What a family's parser gives: the config, and unknown fields of nested objects. */
export interface ParsedFamily {
  config: ModelConfig;
  unknownFields: string[];
}

/**
 * Far beyond any real model; they keep every product of two sizes exact and bound what is allocated
 * a layer.
 */
export const limits: Readonly<Record<'layers' | 'width' | 'heads' | 'vocabulary' | 'positions', number>> = {
  layers: 4096,
  width: 2 ** 22,
  heads: 2 ** 16,
  vocabulary: 2 ** 28,
  positions: 2 ** 31,
};

export function tokenFields(fields: Fields): Pick<ModelConfig, 'bosTokenId' | 'eosTokenIds' | 'padTokenId'> {
  return {
    bosTokenId: fields.tokenIds('bos_token_id')[0] ?? null,
    eosTokenIds: fields.tokenIds('eos_token_id'),
    padTokenId: fields.tokenIds('pad_token_id')[0] ?? null,
  };
}
