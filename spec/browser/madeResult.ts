/** A made result of six layers and four steps with all that a report can show. */
import { changeFigures } from '../../src/eval/figures.ts';
import { PRUNE_SCHEMA, type PruneResult, type StepResult } from '../../src/prune/result.ts';

/** @param seed another one removes other blocks. */
export function madeResult(name: string, seed: number): PruneResult {
  const dense = 20;
  const left = Array.from({ length: 12 }, (_, index) => `L${index >> 1}.${index % 2 === 0 ? 'mha' : 'mlp'}`);
  const cost = new Map(left.map((block, index) => [block, 0.02 * (1 + ((index * (5 + 2 * seed)) % 12))]));
  const figures = (ppl: number) => {
    return { ppl, nll: Math.log(ppl), natsPerToken: Math.log(ppl), standardError: 0.05, bitsPerByte: 0.9 };
  };
  const change = (nats: number) => changeFigures({ nats, standardError: 0.003 });
  const work = { done: 10, exact: 20, naive: 40 };
  let lost = 0;
  const steps = Array.from({ length: 4 }, (_, index): StepResult => {
    const candidates = left.map((block) => ({ block, ppl: dense * Math.exp(lost + (cost.get(block) ?? 0)) }));
    const [best, second] = candidates.toSorted((a, b) => a.ppl - b.ppl);
    lost = Math.log(best.ppl / dense);
    left.splice(left.indexOf(best.block), 1);
    const ratio = (0.05 + 0.01 * seed) * (index + 1);
    return {
      ...figures(best.ppl),
      step: index + 1,
      removed: best.block,
      change: change(lost),
      runnerUp: { ...second, margin: change(Math.log(second.ppl / best.ppl)) },
      ratio,
      ratios: { total: ratio, blocks: 1.2 * ratio, depth: (index + 1) / 12 },
      nearTie: index === 1 ? second : null,
      candidates,
      work,
      evaluation: { ...figures(1.1 * best.ppl), change: change(lost) },
    };
  });
  const data = {
    name: 'text.txt',
    hash: 'd'.repeat(64),
    chunks: 4,
    scoredTokens: 512,
    ignoredTokens: 0,
    droppedTokens: 3,
    skippedChunks: 0,
    wholeText: false,
    notes: [],
  };
  const convention = {
    text: 'chunks of 128 tokens, one after another, no BOS',
    name: 'paper',
    chunk: 128,
    stride: 128,
    bos: 'none',
    join: '\n\n',
    aggregation: 'mean of chunk means',
    ignoredId: null,
    nllSum: 'f64',
  } as const;
  return {
    schema: PRUNE_SCHEMA,
    version: '0.0.0',
    model: {
      name: 'made',
      family: 'llama',
      numHiddenLayers: 6,
      blocks: 12,
      parameters: 1_000_000,
      blockParameters: 800_000,
      contentHash: 'c'.repeat(64),
    },
    data,
    convention,
    backend: 'simd (plain, 4 lanes, 1 thread)',
    method: { name: 'blockpruner', settings: {} },
    kind: 'mix',
    stop: { blocks: 4 },
    stoppedBy: 'blocks',
    dense: figures(dense),
    evaluation: { data: { ...data, name: 'other.txt' }, convention, of: 'pruned', dense: figures(1.1 * dense) },
    work,
    steps,
    removed: steps.map(({ removed }) => removed ?? ''),
    sample: { prompt: 'Once', before: 'Once upon a time', after: 'Once there was' },
    seconds: 12.5,
    provenance: {
      date: '2026-01-02T03:04:05.000Z',
      command: `blockpruner prune made --data text.txt --blocks 4 --out runs/${name}`,
      settings: { model: 'made', data: ['text.txt'], blocks: 4, out: `runs/${name}` },
      machine: { processor: 'A processor', cores: 2, memoryBytes: 2 ** 33, system: 'Linux x64' },
      runtime: 'Node 24',
      dtypes: ['F16'],
    },
  };
}
