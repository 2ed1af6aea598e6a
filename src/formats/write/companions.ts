/** What goes along with a model's weights into the folder of a changed copy. */
import type { ModelConfig } from '../../model/config.ts';
import type { Folder } from '../../platform/folder.ts';
import { writtenConfig } from '../huggingface/writtenConfig.ts';
import type { Companions } from './modelWriter.ts';

/**
 * Config, tokenizer in all its forms, chat templates, a model's own code, licence and card: all but
 * weights.
 */
const companions: readonly RegExp[] = [
  /^(?:config|generation_config|(?:pre)?processor_config|tokenizer_config|special_tokens_map|added_tokens)\.json$/,
  /^(?:tokenizer|vocab|tekken|chat_template|quantize_config|quantization_config)\.json$/,
  /^(?:vocab|merges|bpe\.codes)(?:\.txt)?$/,
  /\.(?:jinja|model|tiktoken|py)$/,
  /^(?:licen[cs]e|notice|copying|copyright|readme|card|model_card|use_policy|usage_policy|acceptable_use_policy|authors|citation)[^/]*$/i,
];

/** Whether a file of a model's folder, by its name, goes along. */
export function isCompanion(name: string): boolean {
  return companions.some((pattern) => pattern.test(name));
}

/**
 * The files of a folder that go along beside weights of this config, as they are, but for what
 * config.json says of the head.
 * @throws what the folder throws.
 */
export async function readCompanions(folder: Folder, config: ModelConfig): Promise<Companions> {
  const files = new Map<string, Uint8Array>();
  for (const name of [...folder.files].filter(isCompanion)) {
    const source = await folder.open(name);
    try {
      const bytes = await source.read(0, source.size);
      const text = (): string => writtenConfig(new TextDecoder().decode(bytes), config);
      files.set(name, name === 'config.json' ? new TextEncoder().encode(text()) : bytes);
    } finally {
      await source.close();
    }
  }
  return files;
}
