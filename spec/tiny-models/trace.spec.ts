import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { formatBlock } from '../../src/model/blockId.ts';
import { Mask } from '../../src/model/mask.ts';
import { plainForward } from '../../tiny-models/plainForward.ts';
import { engineTrace, firstDifference, traceOf, type Trace } from '../../tiny-models/trace.ts';
import { seeds } from '../arbitraries.ts';
import { blocksInWalkOrder } from '../model/layers.ts';
import { someFamily, someSequences } from '../model/modelArbitraries.ts';
import { tinyTransformer } from '../model/tinyTransformer.ts';

const LAYERS = 3;
const outputs = { mha: /(o_proj|attn\.c_proj)\.weight/, mlp: /(down_proj|mlp\.c_proj)\.weight/ };

/**
 * What goes wrong in a block's result: each keeps something that a careless check would look at.
 */
const faults: Record<string, (data: Float32Array) => void> = {
  'is too large': (data) => {
    for (const i of data.keys()) data[i] *= 1.01;
  },
  'has its sign flipped': (data) => {
    for (const i of data.keys()) data[i] = -data[i];
  },
  'is moved by one': (data) => data.set([...data.subarray(1), data[0]]),
};

describe('firstDifference', () => {
  test.prop(
    [someFamily, fc.constantFrom(...blocksInWalkOrder(LAYERS)), fc.constantFrom(...Object.keys(faults)), seeds],
    { numRuns: 60 },
  )('names the block whose result is wrong', async (family, block, fault, seed) => {
    const ids = Int32Array.of(1, 7, 30, 2, 2, 9);
    const right = await tinyTransformer({ family, layers: LAYERS, seed });
    const golden = traceOf(await plainForward(right.source, ids, Mask.empty));
    expect(firstDifference(await engineTrace(right.model, ids, Mask.empty), golden)).toBeNull();
    const wrong = await tinyTransformer({
      family,
      layers: LAYERS,
      seed,
      edit(tensors) {
        for (const [name, { data }] of tensors) {
          if (name.includes(`.${block.layer}.`) && outputs[block.kind].test(name)) faults[fault](data);
        }
      },
    });
    const found = firstDifference(await engineTrace(wrong.model, ids, Mask.empty), golden);
    expect(found).toMatch(new RegExp(`^${formatBlock(block)}: `));
  });

  test.prop([someFamily, someSequences({ minLength: 3, maxLength: 9 }, 1)], { numRuns: 20 })(
    'tells embedding, head and log-sum-exp from the blocks',
    async (family, [ids]) => {
      const { source } = await tinyTransformer({ family, layers: 1 });
      const pass = await plainForward(source, ids, Mask.empty);
      const golden = traceOf(pass);
      expect(firstDifference(golden, golden)).toBeNull();
      const [embedding, ...blocks] = pass.streams;
      const moved = traceOf({ ...pass, streams: [{ ...embedding, x: embedding.x.toReversed() }, ...blocks] });
      expect(firstDifference(moved, golden)).toMatch(/^embedding: /);
      const logits = pass.logits.map((logit) => logit * 1.01);
      expect(firstDifference(traceOf({ ...pass, logits }), golden)).toMatch(/^head: /);
      const nll = pass.nll.map((nats) => nats + 0.01);
      expect(firstDifference(traceOf({ ...pass, nll }), golden)).toMatch(/^log-sum-exp: nll\[0\] is /);
    },
  );

  it('says so where a block is missing, too many, or no number', () => {
    const stream = { after: 'embedding', norm: 1, change: 1, probe: 0 };
    const trace = (...streams: Trace['streams']): Trace => ({ streams, logits: [[1]], nll: [1] });
    const two = trace(stream, { ...stream, after: 'L0.mha' });
    expect(firstDifference(trace(stream), two)).toBe('L0.mha: the trace has nothing in its place');
    expect(firstDifference(two, trace(stream))).toBe('the trace has 1 blocks too many');
    expect(firstDifference(trace({ ...stream, norm: NaN }), trace(stream))).toBe('embedding: norm is NaN, golden 1');
    expect(firstDifference({ ...two, nll: [NaN] }, two)).toBe('log-sum-exp: nll[0] is NaN, golden 1');
    expect(firstDifference({ ...two, nll: [] }, two)).toBe('log-sum-exp: nll[0] is NaN, golden 1');
  });
});
