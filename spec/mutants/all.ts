import { autodiffMutants } from './autodiff.ts';
import { journalMutants } from './journal.ts';
import { generationMutants } from './generation.ts';
import { cliMutants } from './cli.ts';
import { conventionMutants } from './conventions.ts';
import { commandMutants } from './command.ts';
import { coreMutants } from './core.ts';
import { costMutants } from './cost.ts';
import { dataMutants } from './data.ts';
import { dataFormMutants } from './dataForms.ts';
import { drawingMutants } from './drawing.ts';
import { figureMutants } from './figures.ts';
import { facadeMutants } from './facade.ts';
import { ggufWriterMutants } from './ggufWriter.ts';
import { keepingMutants } from './keeping.ts';
import { kernelMutants } from './kernels.ts';
import { libraryMutants } from './library.ts';
import { methodMutants } from './methods.ts';
import { likelihoodMutants } from './likelihood.ts';
import { modelMutants } from './model.ts';
import type { Mutant } from './mutant.ts';
import { openingMutants } from './opening.ts';
import { opMutants } from './ops.ts';
import { packagingMutants } from './packaging.ts';
import { optionMutants } from './options.ts';
import { partMutants } from './parts.ts';
import { repairMathsMutants } from './repairMaths.ts';
import { repairLoopMutants } from './repairLoop.ts';
import { repairFiguresMutants } from './repairFigures.ts';
import { repairMemoryMutants } from './repairMemory.ts';
import { reportPageMutants } from './reportPage.ts';
import { reportMutants } from './reports.ts';
import { pricingMutants } from './pricing.ts';
import { repairWalkMutants } from './repairWalk.ts';
import { searchMutants } from './search.ts';
import { serveMutants } from './serve.ts';
import { statisticsMutants } from './statistics.ts';
import { tokenizerMutants } from './tokenizer.ts';

/** Every mutant, by the place of its fault. */
export const mutants: readonly Mutant[] = [
  ...autodiffMutants,
  ...cliMutants,
  ...conventionMutants,
  ...commandMutants,
  ...coreMutants,
  ...costMutants,
  ...drawingMutants,
  ...opMutants,
  ...packagingMutants,
  ...kernelMutants,
  ...keepingMutants,
  ...statisticsMutants,
  ...libraryMutants,
  ...likelihoodMutants,
  ...facadeMutants,
  ...figureMutants,
  ...ggufWriterMutants,
  ...methodMutants,
  ...modelMutants,
  ...generationMutants,
  ...pricingMutants,
  ...searchMutants,
  ...serveMutants,
  ...openingMutants,
  ...optionMutants,
  ...partMutants,
  ...journalMutants,
  ...repairMathsMutants,
  ...repairWalkMutants,
  ...reportPageMutants,
  ...reportMutants,
  ...repairLoopMutants,
  ...repairFiguresMutants,
  ...repairMemoryMutants,
  ...tokenizerMutants,
  ...dataMutants,
  ...dataFormMutants,
];
