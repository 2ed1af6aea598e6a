import { fc } from '@fast-check/vitest';
import {
  changeFigures,
  type ChangeFigures,
  type NonFinite,
  type PerplexityFigures,
} from '../../../src/eval/figures.ts';
import { formatBlock } from '../../../src/model/blockId.ts';
import type { Provenance } from '../../../src/prune/provenance.ts';
import {
  PRUNE_SCHEMA,
  type CandidateScore,
  type MethodScore,
  type PruneResult,
  type StepResult,
} from '../../../src/prune/result.ts';
import type { PruneRepair, StepRepairResult } from '../../../src/prune/result.ts';
import { repairTimes } from '../../../src/prune/repair/settings.ts';
import { repairForms } from '../../../src/repair/fit.ts';
import { repairScopes } from '../../../src/repair/cuts.ts';
import { blocksInWalkOrder } from '../../model/layers.ts';

/** Texts that would break a page that forgets to escape. */
export const HOSTILE_TEXTS = [
  '<script>alert(1)</script>',
  '"&\'<>',
  '</title></style><img src=x onerror=alert(1)>',
  '--><!--',
  '&amp;lt;',
  ']]>',
  '\u0000\u001b[31m\u0085',
  'https://example.org/<b>',
  '',
] as const;

const text = (): fc.Arbitrary<string> =>
  fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ unit: 'grapheme', maxLength: 20 }));

/** From plausible to absurd; all finite and above zero, as exp of a mean is. */
export const finitePerplexity = (): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.double({ min: 1, max: 100, noNaN: true }) },
    { weight: 1, arbitrary: fc.double({ min: 1, max: 1e30, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(1, 19.2, 1e30, 5e300) },
  );

interface Score {
  ppl: number | null;
  status?: NonFinite;
}

const score = (): fc.Arbitrary<Score> =>
  fc.oneof(
    { weight: 6, arbitrary: finitePerplexity().map((ppl): Score => ({ ppl })) },
    {
      weight: 1,
      arbitrary: fc.constantFrom<NonFinite>('nan', 'infinite').map((status): Score => ({ ppl: null, status })),
    },
  );

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });
const share = (): fc.Arbitrary<number> => fc.double({ min: 0, max: 1, noNaN: true });
const count = (): fc.Arbitrary<number> => fc.nat({ max: 2 ** 31 });
const figures = (): fc.Arbitrary<PerplexityFigures> =>
  fc
    .record({
      score: score(),
      standardError: optional(fc.double({ min: 0, max: 5, noNaN: true })),
      bitsPerByte: optional(fc.double({ min: 0, max: 50, noNaN: true })),
    })
    .map(({ score: { ppl, status }, standardError, bitsPerByte }) => {
      const nll = ppl === null ? null : Math.log(ppl);
      return { ppl, status, nll, natsPerToken: nll, standardError, bitsPerByte };
    });

/** What the search of that kind may remove, as texts. */
function unitsOf(kind: PruneResult['kind'], layers: number): string[] {
  if (kind === 'layer') return Array.from({ length: layers }, (_, layer) => `L${layer}.mha,L${layer}.mlp`);
  const blocks = blocksInWalkOrder(layers).filter((block) => kind === 'mix' || block.kind === kind);
  return blocks.map(formatBlock);
}

/**
 * Steps as the greedy search makes them: candidates are what is left, the lowest finite perplexity
 * goes, and a step without any removes nothing and is the last.
 */
function stepsArbitrary(kind: PruneResult['kind'], layers: number, most: number): fc.Arbitrary<StepResult[]> {
  const units = unitsOf(kind, layers);
  const steps = fc.array(
    fc.record({
      scores: fc.array(score(), { minLength: units.length, maxLength: units.length }),
      standardError: optional(fc.double({ min: 0, max: 5, noNaN: true })),
      bitsPerByte: optional(fc.double({ min: 0, max: 50, noNaN: true })),
      ratios: fc.record({ total: share(), blocks: share(), depth: share() }),
      tie: fc.boolean(),
    }),
    { maxLength: Math.min(most, units.length) },
  );
  return steps.map((drawn) => {
    const left = new Set(units);
    const made: StepResult[] = [];
    const work = { done: 3, exact: 5, naive: 10 };
    for (const [index, { scores, standardError, bitsPerByte, ratios, tie }] of drawn.entries()) {
      const candidates: CandidateScore[] = [...left].map((block, place) => {
        return { block, ppl: scores[place].ppl, status: scores[place].status };
      });
      const finite = candidates.flatMap(({ block, ppl }) => (ppl === null ? [] : [{ block, ppl }]));
      finite.sort((a, b) => a.ppl - b.ppl);
      const [best, second] = finite;
      const common = { step: index + 1, ratio: ratios.total, ratios, candidates, work };
      if (best === undefined) {
        const nothing = {
          removed: null,
          ppl: null,
          status: 'nan' as const,
          standardError: null,
          bitsPerByte: null,
          nearTie: null,
        };
        made.push({ ...common, ...nothing });
        break;
      }
      const nearTie = tie && second !== undefined ? second : null;
      // Documents of older versions do not have them.
      const paired = index % 3 === 2 ? {} : pairedOf(best, second, standardError);
      made.push({ ...common, removed: best.block, ppl: best.ppl, standardError, bitsPerByte, nearTie, ...paired });
      left.delete(best.block);
    }
    return made;
  });
}

type Finite = { block: string; ppl: number };

function pairedOf(best: Finite, second: Finite | undefined, error: number | null): Partial<StepResult> {
  const figuresOf = (nats: number): ChangeFigures | null => changeFigures({ nats, standardError: error });
  return {
    change: figuresOf(Math.log(best.ppl) - 2),
    runnerUp: second === undefined ? null : { ...second, margin: figuresOf(Math.log(second.ppl / best.ppl)) },
  };
}

/** Any document that the search could write, with the most inconvenient numbers and texts in it. */
export function arbitraryResult(limits: { layers?: number; steps?: number } = {}): fc.Arbitrary<PruneResult> {
  const kinds = fc.constantFrom<PruneResult['kind']>('mix', 'mha', 'mlp', 'layer');
  return fc.tuple(kinds, fc.integer({ min: 1, max: limits.layers ?? 7 })).chain(([kind, layers]) => {
    return fc
      .record({
        steps: stepsArbitrary(kind, layers, limits.steps ?? 8),
        dense: figures(),
        rest: restArbitrary(),
        scores: scoresArbitrary(layers),
      })
      .map(({ steps, dense, rest, scores }): PruneResult => {
        const removed = steps.flatMap((step) => (step.removed === null ? [] : step.removed.split(',')));
        const model = Object.assign({}, rest.model, { numHiddenLayers: layers, blocks: 2 * layers });
        const document = Object.assign({}, rest, { model, kind, dense, steps, removed });
        if (scores === null) return document;
        const named = unitsOf(kind, layers).map((block, index) => ({ ...scores[index], block }));
        return { ...document, scores: named };
      });
  });
}

const models = (): fc.Arbitrary<PruneRepair['whole']> => {
  return fc.record({ dense: figures(), pruned: figures(), repaired: figures() });
};
const sums = (): fc.Arbitrary<{ before: number; after: number } | null> => {
  const error = fc.oneof(fc.double({ min: 0, max: 1e6, noNaN: true }), fc.constantFrom(0, 1e-30, 1e300));
  return optional(fc.record({ before: error, after: error }));
};

/**
 * Any repair of a document, in its loop or at its end; its blocks need not be those of the steps.
 */
function repairArbitrary(): fc.Arbitrary<PruneRepair> {
  const fit = fc.record({
    block: fc.constantFrom('L0.mha', 'L0.mlp'),
    rows: count(),
    heldOutRows: count(),
    factor: optional(fc.double({ min: 0, max: 1e3, noNaN: true })),
    kept: optional(text()),
    condition: optional(fc.double({ min: 1, max: 1e300, noNaN: true })),
    error: sums(),
    heldOut: sums(),
  });
  return fc.record({
    when: fc.constantFrom(...repairTimes),
    whole: models(),
    mask: fc.constant('L0.mha'),
    settings: fc.record({
      form: fc.constantFrom(...repairForms),
      scope: fc.constantFrom(...repairScopes),
      factors: fc.array(share(), { minLength: 1 }),
    }),
    rows: count(),
    heldOutRows: count(),
    heldOutChunks: fc.array(count(), { maxLength: 3 }),
    blocks: fc.array(fit, { maxLength: 4 }),
    notRepaired: fc.array(fc.constantFrom('L0.mha', 'L0.mlp'), { maxLength: 2 }),
    tensors: fc.constant([]),
    fitted: models(),
    heldOut: optional(models()),
    evaluation: optional(
      fc.tuple(models(), restArbitrary()).map(([of, { data, convention }]) => ({ ...of, data, convention })),
    ),
    backend: text(),
    seconds: fc.double({ min: 0, max: 1e7, noNaN: true }),
  });
}

/** What repair in the loop adds to a step. */
function stepRepairArbitrary(): fc.Arbitrary<StepRepairResult> {
  const heldOut = optional(fc.record({ pruned: optional(finitePerplexity()), repaired: optional(finitePerplexity()) }));
  return fc.record({ figures: figures(), heldOut }).map(({ figures: found, heldOut: held }) => ({
    ppl: found.ppl,
    status: found.status,
    standardError: found.standardError,
    bitsPerByte: found.bitsPerByte,
    heldOut: held,
    leaders: [],
  }));
}

/** Any document of a run that repaired. */
export function repairedResult(
  limits: { layers?: number; steps?: number } = {},
): fc.Arbitrary<PruneResult & { repair: PruneRepair }> {
  return fc
    .tuple(
      arbitraryResult(limits),
      repairArbitrary(),
      fc.array(stepRepairArbitrary(), { minLength: 16, maxLength: 16 }),
    )
    .map(([result, repair, added]) => {
      const steps = result.steps.map((step, index) => {
        return repair.when === 'each' ? { ...step, repair: added[index % added.length] } : step;
      });
      const sample = result.sample === null ? null : { ...result.sample, repaired: result.sample.after };
      return { ...result, scores: repair.when === 'each' ? undefined : result.scores, steps, repair, sample };
    });
}

/** Scores of as many candidates as there may be, from plausible to absurd; or none. */
function scoresArbitrary(layers: number): fc.Arbitrary<MethodScore[] | null> {
  const finite = fc.oneof(
    fc.double({ min: 0, max: 2, noNaN: true }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  );
  const drawn = fc.oneof(
    { weight: 6, arbitrary: finite.map((value): MethodScore => ({ block: '', score: value })) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom<NonFinite>('nan', 'infinite')
        .map((status): MethodScore => ({ block: '', score: null, status })),
    },
  );
  return fc.option(fc.array(drawn, { minLength: 2 * layers, maxLength: 2 * layers }), { nil: null });
}

/** Where a result may say that it comes from. */
function provenanceArbitrary(): fc.Arbitrary<Provenance> {
  return fc.record(
    {
      date: fc.oneof(
        fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
        text(),
      ),
      command: text(),
      settings: fc.dictionary(
        text(),
        fc.oneof(text(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.array(text())),
      ),
      machine: fc.record({
        processor: optional(text()),
        cores: count(),
        memoryBytes: optional(count()),
        system: text(),
      }),
      runtime: text(),
      dtypes: fc.array(text(), { maxLength: 3 }),
    },
    { requiredKeys: ['date', 'settings', 'machine', 'runtime', 'dtypes'] },
  );
}

/**
 * The document with a held-out text, whose perplexities are those of the calibration text doubled.
 */
export function evaluatedResult(limits: { layers?: number; steps?: number } = {}): fc.Arbitrary<PruneResult> {
  return fc
    .record({ result: arbitraryResult(limits), dense: figures(), name: text() })
    .map(({ result, dense, name }) => {
      const { data, convention } = result;
      const steps = result.steps.map((step): StepResult => {
        if (step.removed === null) return step;
        const { standardError, bitsPerByte, change = null } = step;
        const ppl = step.ppl === null ? null : Math.min(2 * step.ppl, 1e300);
        const nll = ppl === null ? null : Math.log(ppl);
        return { ...step, evaluation: { ppl, nll, natsPerToken: nll, standardError, bitsPerByte, change } };
      });
      return { ...result, steps, evaluation: { data: { ...data, name }, convention, of: 'pruned', dense } };
    });
}

type Rest = Omit<PruneResult, 'kind' | 'dense' | 'steps' | 'removed' | 'scores'>;

function restArbitrary(): fc.Arbitrary<Rest> {
  return fc.record({
    schema: fc.constant(PRUNE_SCHEMA),
    version: text(),
    work: fc.record({ done: count(), exact: count(), naive: count() }),
    model: fc.record({
      name: text(),
      family: text(),
      numHiddenLayers: fc.constant(0),
      blocks: fc.constant(0),
      parameters: count(),
      blockParameters: count(),
      contentHash: text(),
    }),
    data: fc.record({
      name: text(),
      hash: text(),
      chunks: count(),
      scoredTokens: count(),
      ignoredTokens: count(),
      droppedTokens: count(),
      skippedChunks: count(),
      wholeText: fc.boolean(),
      notes: fc.array(fc.string(), { maxLength: 2 }),
    }),
    convention: fc.record(
      {
        text: text(),
        name: fc.constant('paper' as const),
        chunk: count(),
        stride: count(),
        bos: fc.constantFrom('none', 'stream', 'chunk'),
        join: text(),
        newlines: fc.constant('lf' as const),
        sample: fc.record({
          windows: count(),
          seed: count(),
          from: fc.constantFrom('stream', 'document'),
          tokens: count(),
          texts: count(),
        }),
        aggregation: fc.constant('mean of chunk means' as const),
        ignoredId: optional(count()),
        nllSum: fc.constantFrom('f64', 'f32'),
      },
      { requiredKeys: ['text', 'name', 'chunk', 'stride', 'bos', 'join', 'aggregation', 'ignoredId', 'nllSum'] },
    ),
    backend: text(),
    method: fc.record({ name: text(), settings: fc.dictionary(text(), fc.oneof(text(), fc.double(), fc.boolean())) }),
    stop: fc.record({ blocks: count(), ratio: share(), maxPpl: finitePerplexity() }, { requiredKeys: [] }),
    stoppedBy: fc.constantFrom(
      'blocks',
      'ratio',
      'max-ppl',
      'max-increase',
      'no candidate left',
      'no finite candidate',
    ),
    sample: optional(fc.record({ prompt: text(), before: text(), after: text() })),
    seconds: fc.double({ min: 0, max: 1e7, noNaN: true }),
    provenance: fc.option(provenanceArbitrary(), { nil: undefined }),
  });
}
