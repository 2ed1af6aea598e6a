/** A model in training, and its blocks on a tape. */
import type { DeviceTensor, LinearWeight } from '../backends/backend.ts';
import type { BlockId } from '../model/blockId.ts';
import type { ModelConfig } from '../model/config.ts';
import type { Mask } from '../model/mask.ts';
import type { NormWeights, ResidualBlock } from '../model/residualBlock.ts';
import { mhaTensorNames, mlpTensorNames, type LinearNames, type NormNames } from '../model/tensorNames.ts';
import { AdaptedLinear, adapterNames, type LoraSettings } from './lora.ts';
import { parameterOf, type Parameters } from './parameters.ts';
import type { Tape, TapeParameter } from './tape.ts';

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

/** Puts a trainee's parameters on a tape, each when it is asked for. */
export class TapeWeights {
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

  norm({ weight, bias }: NormNames): NormWeights {
    return { weight: this.vector(weight), bias: bias === null ? null : this.vector(bias) };
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

  block({ kind, layer }: BlockId): ResidualBlock {
    const { config } = this.#trainee;
    if (kind === 'mlp') {
      const { norm, gate, up, down } = mlpTensorNames(config, layer);
      return {
        kind,
        layer,
        norm: this.norm(norm),
        gate: gate === null ? null : this.linear(gate),
        up: this.linear(up),
        down: this.linear(down),
      };
    }
    const { norm, qkv, output, qNorm, kNorm } = mhaTensorNames(config, layer);
    return {
      kind,
      layer,
      norm: this.norm(norm),
      qkv:
        'fused' in qkv
          ? { fused: this.linear(qkv.fused) }
          : { q: this.linear(qkv.q), k: this.linear(qkv.k), v: this.linear(qkv.v) },
      output: this.linear(output),
      qNorm: qNorm === null ? null : this.vector(qNorm),
      kNorm: kNorm === null ? null : this.vector(kNorm),
    };
  }

  #of(name: string): TapeParameter {
    const { parameters, trained } = this.#trainee;
    return { name, data: parameterOf(parameters, name).data, trained: trained.has(name) };
  }
}
