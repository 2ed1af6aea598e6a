import { textTokenizer } from '../formats/textTokenizer.ts';
import { generate } from '../model/generate.ts';
import { checkSampling } from '../model/sampler.ts';
import { readTextFile } from '../platform/nodeFile.ts';
import { readMaskArgument } from '../prune/maskArgument.ts';
import { seededRng } from '../tensor/rng.ts';
import { openRun, type ModelOptions } from './openRun.ts';
import { breathe, Terminal } from './terminal.ts';

export interface GenerateCommandOptions extends ModelOptions {
  prompt: string;
  mask?: string;
  maxTokens: number;
  temperature: number;
  topK: number;
  topP: number;
  seed: number;
  json: boolean;
  quiet: boolean;
}

/** `blockpruner generate MODEL --prompt …`: continues a text, with blocks switched off if asked. */
export async function generateCommand(argument: string, options: GenerateCommandOptions): Promise<void> {
  const terminal = new Terminal(options);
  const { temperature, topK, topP } = options;
  const sampling = { temperature, topK, topP };
  checkSampling(sampling);
  const { opened, model, close } = await openRun(argument, options, terminal);
  try {
    const tokenizer = textTokenizer(opened, '--prompt');
    const mask = await readMaskArgument(options.mask ?? '', model.config.numHiddenLayers, readTextFile);
    const prompt = tokenizer.encode(options.prompt);
    if (tokenizer.addsBos && tokenizer.bosTokenId !== null) prompt.unshift(tokenizer.bosTokenId);
    const ids = [...prompt];
    const rng = seededRng(options.seed);
    const started = performance.now();
    let text = tokenizer.decode(prompt);
    const promptLength = text.length;
    if (!options.json) process.stdout.write(text);
    for await (const id of generate(model, prompt, mask, { maxTokens: options.maxTokens, sampling, rng })) {
      ids.push(id);
      await breathe();
      const grown = tokenizer.decode(ids);
      // A character may need several tokens; until it is whole, it decodes to U+FFFD and is held back.
      if (grown.endsWith('\uFFFD')) continue;
      if (!options.json) process.stdout.write(grown.slice(text.length));
      text = grown;
    }
    const made = ids.length - prompt.length;
    const seconds = (performance.now() - started) / 1000;
    if (options.json) {
      const { description } = model.backend;
      const completion = text.slice(promptLength);
      terminal.document({
        schema: 'blockpruner.generate/1',
        prompt: options.prompt,
        mask: mask.toString(),
        completion,
        ids: ids.slice(prompt.length),
        backend: description,
        seconds,
      });
    }
    terminal.result('');
    terminal.note(`${made} tokens in ${seconds.toFixed(1)} s (${(made / seconds).toFixed(1)} a second)`);
  } finally {
    await close();
  }
}
