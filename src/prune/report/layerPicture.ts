import type { BlockKind } from '../../model/blockId.ts';
import { formatBlock } from '../../model/blockId.ts';
import type { PruneResult } from '../result.ts';
import { element, type Markup } from '../../drawing/html.ts';
import { effectiveSteps, removalsOf, type Removal } from './removals.ts';
import { drawing, text, tooltip } from '../../drawing/svg.ts';
import { formatPerplexity } from './perplexityWords.ts';

/** Sizes of the strip, in CSS pixels. */
const CELL = { width: 27, height: 30, gap: 2 } as const;
const NAME_WIDTH = 42;
const HEADER_HEIGHT = 20;
const STRIP_GAP = 22;
const KINDS: readonly BlockKind[] = ['mha', 'mlp'];

/**
 * What went when: a strip of layers from the input (left) to the output (right), two cells each,
 * the removed ones filled and numbered with the step. Wraps after `layersPerStrip` layers, evenly,
 * so that no line is left ragged.
 * @param shared blocks that are outlined.
 * @throws MaskError for a name that is not a block of the model.
 */
export function renderLayerPicture(
  result: PruneResult,
  layersPerStrip: number,
  shared: ReadonlySet<string> = new Set(),
): Markup {
  const layers = result.model.numHiddenLayers;
  const strips = Math.max(1, Math.ceil(layers / layersPerStrip));
  const perStrip = Math.ceil(layers / strips);
  const stripHeight = HEADER_HEIGHT + 2 * CELL.height;
  const removals = removalsOf(result);
  const byName = new Map(removals.map((removal) => [formatBlock(removal.block), removal]));
  const steps = effectiveSteps(result).length;
  const absent = new Set(result.model.absent);

  const cells = Array.from({ length: layers }, (_, layer) => {
    const x = NAME_WIDTH + (layer % perStrip) * CELL.width;
    const y = Math.floor(layer / perStrip) * (stripHeight + STRIP_GAP);
    return [
      text(x + CELL.width / 2, y + 13, String(layer), { class: 'tick', 'text-anchor': 'middle' }),
      ...KINDS.map((kind, row) => {
        const name = formatBlock({ layer, kind });
        const top = y + HEADER_HEIGHT + row * CELL.height;
        if (absent.has(name))
          return element(
            'g',
            { class: 'absent' },
            tooltip(`${name}: not in the model`),
            element('rect', boxAt(x, top)),
          );
        const removal = byName.get(name);
        return cell(
          removal === undefined ? undefined : { ...removal, shared: shared.has(name) },
          name,
          kind,
          steps,
          x,
          top,
        );
      }),
    ];
  });
  const names = Array.from({ length: strips }, (_, strip) => {
    const y = strip * (stripHeight + STRIP_GAP) + HEADER_HEIGHT;
    return KINDS.map((kind, row) => text(0, y + row * CELL.height + 19, kind.toUpperCase(), { class: 'axis-name' }));
  });
  return drawing(
    {
      width: NAME_WIDTH + perStrip * CELL.width,
      height: strips * (stripHeight + STRIP_GAP) - STRIP_GAP,
      class: 'layers',
    },
    { title: 'What went when, layer by layer', description: describe(result, removals) },
    names,
    cells,
  );
}

function cell(
  removal: (Removal & { readonly shared: boolean }) | undefined,
  name: string,
  kind: BlockKind,
  steps: number,
  x: number,
  y: number,
): Markup {
  const box = boxAt(x, y);
  if (removal === undefined) {
    return element('g', { class: 'kept' }, tooltip(`${name}: kept`), element('rect', box));
  }
  const { step, ppl, status } = removal.step;
  return element(
    'g',
    { class: `gone ${kind} ${quarter(step, steps)}${removal.shared ? ' shared' : ''}` },
    tooltip(`${name}: removed at step ${step}, perplexity ${formatPerplexity(ppl, status)}`),
    element('rect', box),
    text(x + CELL.width / 2, y + CELL.height / 2 + 4.5, String(step), { 'text-anchor': 'middle' }),
  );
}

function boxAt(x: number, y: number): Record<string, number> {
  const { width, height, gap } = CELL;
  return { x: x + gap / 2, y: y + gap / 2, width: width - gap, height: height - gap, rx: 3 };
}

/**
 * Which quarter of the run a step lies in, `q1` … `q4`: the earlier a block went, the less it was
 * missed, the stronger its cell.
 */
function quarter(step: number, steps: number): string {
  const index = Math.floor((4 * (step - 1)) / Math.max(1, steps));
  return `q${Math.min(3, Math.max(0, index)) + 1}`;
}

function describe({ model }: PruneResult, removals: readonly Removal[]): string {
  const order = removals.map(({ block }) => formatBlock(block)).join(', ');
  const absent = model.absent === undefined ? '' : `, without ${model.absent.join(', ')}`;
  return `${model.numHiddenLayers} layers with two blocks each${absent}. ${order === '' ? 'Nothing was removed.' : `Removed, in this order: ${order}.`}`;
}
