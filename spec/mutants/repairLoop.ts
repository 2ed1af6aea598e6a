/** Faults of a run's repair, at its end and in the loop of its search. */
import type { Mutant } from './mutant.ts';

const each = { specs: ['spec/prune/repair/eachRepair.spec.ts'] };
const end = { specs: ['spec/prune/repair/endRepair.spec.ts'] };
const choose = { ...each, file: 'src/prune/repair/chooseRepaired.ts' };
const repairs = { ...each, file: 'src/prune/repair/repairs.ts' };
const fits = { ...end, file: 'src/prune/repair/fitMemory.ts' };
const report = { specs: ['spec/prune/report/repairSection.spec.ts'] };

export const repairLoopMutants: readonly Mutant[] = [
  {
    ...choose,
    name: 'repair in the loop: the lowest plain price goes',
    from: 'const picked = lowest(priced);',
    to: 'const picked = priced[0] ?? null;',
  },
  {
    ...choose,
    name: 'repair in the loop: one leader less',
    from: '.slice(0, count)',
    to: '.slice(0, Math.max(1, count - 1))',
  },
  {
    ...choose,
    name: 'repair in the loop: the worst are the leaders',
    from: 'a.perplexity.ppl - b.perplexity.ppl',
    to: 'b.perplexity.ppl - a.perplexity.ppl',
  },
  {
    ...choose,
    name: 'repair in the loop: a highest perplexity is one before repair',
    from: 'ppl: picked?.perplexity.ppl ?? NaN,',
    to: 'ppl: picked?.plain.ppl ?? NaN,',
  },
  {
    ...repairs,
    name: 'repair in the loop: the fits of the last leader are kept, not those of the best',
    from: 'if (best) this.#best = this.#latest;',
    to: 'this.#best = this.#latest ?? this.#best;',
  },
  {
    ...end,
    file: 'src/prune/repair/fitMemory.ts',
    name: 'fits: tensors of earlier results stay',
    from: 'await this.#store.remove(tensor);',
    to: '',
  },
  {
    ...fits,
    name: 'fits: other settings share them',
    from: 'return `${REPAIR_KEY}fit ${this.#settings} ${key}`;',
    to: 'return `${REPAIR_KEY}fit ${key}`;',
  },
  {
    ...fits,
    name: 'fits: a fit that came to other values is taken',
    from: 'if (hashes(tensors) === hashes(stored)) return;',
    to: 'return;',
  },
  {
    ...each,
    file: 'src/prune/repair/repairedPricer.ts',
    name: 'repair in the loop: candidates are priced on the whole model',
    from: 'mask.size === 0 ? this.#whole : await this.#repairs.model(mask)',
    to: 'this.#whole',
  },
  {
    ...each,
    file: 'src/prune/runIdentity.ts',
    name: "repair in the loop: its settings are not in the journal's header",
    from: "if (repair !== undefined) return { search: 'repaired', ...repair };",
    to: '',
  },
  {
    ...end,
    file: 'src/prune/run.ts',
    name: 'repair: overlapping chunks are refused after the search',
    from: 'if (options.repair !== undefined) unitsOf(chunks);',
    to: '',
  },
  {
    ...report,
    file: 'src/prune/report/headline.ts',
    name: 'report: a repair is judged by the chunks that it was fitted on',
    from: "if (evaluation !== null) return { of: evaluation, where: 'on another text' };",
    to: "if (evaluation !== null) return { of: fitted, where: 'on another text' };",
  },
  {
    name: 'after a search that repairs in the loop, its repaired scores are taken for the pruned model',
    file: 'src/prune/run.ts',
    specs: ['spec/prune/repair/eachRepair.spec.ts'],
    from: "repair.when === 'end' ? scores : null",
    to: 'scores',
  },
  {
    name: 'the pruned model is measured again where the search has measured it',
    file: 'src/prune/repair/endRepair.ts',
    specs: ['spec/prune/repair/endRepair.spec.ts'],
    from: 'job.pruned ?? (yield*',
    to: '(yield*',
  },
  {
    name: 'a ridge of 0 is a factor like others',
    file: 'src/repair/settings.ts',
    specs: ['spec/repair/settings.spec.ts'],
    from: "typeof one === 'number' && one > 0",
    to: "typeof one === 'number' && one >= 0",
  },
  {
    name: 'the ridge factors of a search are taken in the order they were given',
    file: 'src/prune/repair/settings.ts',
    specs: ['spec/repair/settings.spec.ts'],
    from: 'factors: ridgeFactors(factors)',
    to: 'factors',
  },
];
