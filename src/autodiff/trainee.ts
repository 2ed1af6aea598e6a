/** A model in training, and its blocks on a tape. */
import type { DeviceTensor, LinearWeight } from '../backends/backend.ts';
import type { BlockId } from '../model/blockId.ts';
import { assembleBlock, assembleNorm, type PartMaker } from '../model/blockTensors.ts';
import type { ModelConfig } from '../model/config.ts';
import { Mask } from '../model/mask.ts';
import type { NormWeights, ResidualBlock } from '../model/residualBlock.ts';
import type { LinearNames, NormNames } from '../model/tensorNames.ts';
import { AdaptedLinear, adapterNames, type LoraSettings } from './lora.ts';
import { parameterOf, type Parameters } from './parameters.ts';
import type { Tape } from './tape.ts';
import type { TapeParameter } from './tapeLinear.ts';

export interface Trainee {
  readonly config: ModelConfig;
  /** Adapters' included. */
  readonly parameters: Parameters;
  /** Names of the parameters that training changes. */
  readonly trained: ReadonlySet<string>;
  /** Removed blocks. */
  readonly mask: Mask;
  /** Null where no parameter is an adapter's. */
  readonly lora: LoraSettings | null;
}

/** All parameters trained, no block removed, no adapter. */
export function wholeTrainee(config: ModelConfig, parameters: Parameters): Trainee {
  return { config, parameters, trained: new Set(parameters.keys()), mask: Mask.empty, lora: null };
}

/** Puts a trainee's parameters on a tape, each when it is asked for. */
export class TapeWeights implements PartMaker {
  readonly #tape: Tape;
  readonly #trainee: Trainee;

  constructor(tape: Tape, trainee: Trainee) {
    this.#tape = tape;
    this.#trainee = trainee;
  }

  /** A table [V, C]. */
  table(name: string): DeviceTensor {
    const [rows, cols] = parameterOf(this.#trainee.parameters, name).shape;
    return this.#tape.parameter(this.#of(name), rows, cols);
  }

  /** A gain or a shift, as [1, C]. */
  vector(name: string): DeviceTensor {
    const parameter = this.#of(name);
    return this.#tape.parameter(parameter, 1, parameter.data.length);
  }

  norm(names: NormNames): NormWeights {
    return assembleNorm(names, this);
  }

  /** A projection, with its adapter if it has one. */
  linear({ weight, bias }: LinearNames): LinearWeight {
    const { parameters, lora } = this.#trainee;
    const [out, inn] = parameterOf(parameters, weight).shape;
    const base = this.#tape.projection(this.#of(weight), out, inn, bias === null ? null : this.#of(bias));
    const { a, b } = adapterNames(weight);
    if (lora === null || !parameters.has(a)) return base;
    const down = this.#tape.projection(this.#of(a), lora.rank, inn);
    return new AdaptedLinear(base, down, this.#tape.projection(this.#of(b), out, lora.rank), lora);
  }

  block(id: BlockId): ResidualBlock {
    return assembleBlock(this.#trainee.config, id, this);
  }

  #of(name: string): TapeParameter {
    const { parameters, trained } = this.#trainee;
    return { name, data: parameterOf(parameters, name).data, trained: trained.has(name) };
  }
}
