import { formatBlock } from '../model/blockId.ts';
import { configFields, type ModelConfig } from '../model/config.ts';
import { countParameters } from '../model/parameters.ts';
import { blockTensorNames } from '../model/blockTensors.ts';
import { walkOf } from '../model/walk.ts';
import type { WeightSource } from '../model/weights.ts';
import { byteSize, percent, table } from './figures.ts';
import { openChecked } from './openRun.ts';
import { Terminal } from './terminal.ts';

export interface InspectOptions {
  offline?: boolean;
  revision?: string;
  hub?: boolean;
  json: boolean;
}

/** `blockpruner inspect MODEL`: config, and what every block weighs. Reads headers only. */
export async function inspectCommand(argument: string, options: InspectOptions): Promise<void> {
  const terminal = new Terminal({ quiet: false, json: options.json });
  const opened = await openChecked(argument, options, terminal);
  try {
    const { weights, tokenizer } = opened;
    const counts = countParameters(weights);
    const blocks = walkOf(weights.config).map((id) => {
      const names = blockTensorNames(weights.config, id);
      return {
        block: formatBlock(id),
        parameters: counts.byBlock.get(formatBlock(id)) ?? 0,
        ...storedAs(weights, names),
      };
    });
    const all = storedAs(weights, [...weights.tensors.keys()]);
    if (options.json) {
      terminal.document({
        schema: 'blockpruner.inspect/1',
        model: weights.name,
        config: configFields(weights.config),
        parameters: counts.total,
        blockParameters: counts.blocks,
        bytes: all.bytes,
        tokenizer: tokenizer?.description ?? null,
        tokenizerNote: opened.tokenizerNote,
        blocks,
      });
      return;
    }
    const { config } = weights;
    terminal.result(`${opened.description}`);
    terminal.result(
      `${config.family}: ${config.layers.length} layers, hidden ${config.hiddenSize}, ${layerSizes(config)}, ` +
        `vocabulary ${config.vocabSize}, context ${config.maxPositionEmbeddings}, ${config.tieWordEmbeddings ? 'tied' : 'own'} head`,
    );
    terminal.result(`tokenizer: ${tokenizer?.description ?? `none (${opened.tokenizerNote ?? 'no file'})`}`);
    terminal.result(
      `${counts.total.toLocaleString('en')} parameters (${percent(counts.blocks / counts.total)} in blocks), ${byteSize(all.bytes)} stored as ${all.dtypes}\n`,
    );
    const cells = (name: string): string[] => {
      const found = blocks.find(({ block }) => block === name);
      if (found === undefined) return ['–', '–', '–', '–'];
      const { parameters, dtypes, bytes } = found;
      return [parameters.toLocaleString('en'), percent(parameters / counts.total), dtypes, byteSize(bytes)];
    };
    const rows = config.layers.map((_, layer) => {
      return [`L${layer}`, ...cells(`L${layer}.mha`), ...cells(`L${layer}.mlp`)];
    });
    const columns = (kind: string): string[] => [`>${kind} parameters`, '>share', 'stored', '>bytes'];
    terminal.result(table(['layer', ...columns('mha'), ...columns('mlp')], rows));
  } finally {
    await opened.close();
  }
}

/** `intermediate 1536, 9 query heads over 3 of 64`; sizes that differ by layer as `512…1536`. */
function layerSizes({ layers, headDim }: ModelConfig): string {
  const range = (sizes: readonly (number | undefined)[]): string => {
    const own = sizes.filter((size) => size !== undefined);
    const [least, most] = [Math.min(...own), Math.max(...own)];
    if (own.length === 0) return 'no';
    return least === most ? String(most) : `${least}…${most}`;
  };
  const heads = range(layers.map(({ mha }) => mha?.heads));
  const kvHeads = range(layers.map(({ mha }) => mha?.kvHeads));
  const intermediate = range(layers.map(({ mlp }) => mlp?.intermediateSize));
  return `intermediate ${intermediate}, ${heads} query heads over ${kvHeads} of ${headDim}`;
}

function storedAs(weights: WeightSource, names: readonly string[]): { dtypes: string; bytes: number } {
  const infos = names.map((name) => weights.tensors.get(name)).filter((info) => info !== undefined);
  const dtypes = [...new Set(infos.map(({ dtype }) => dtype))].join(' ');
  return { dtypes, bytes: infos.reduce((sum, { bytes }) => sum + bytes, 0) };
}
