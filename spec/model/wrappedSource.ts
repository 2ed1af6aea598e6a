import type { WeightSource } from '../../src/model/weights.ts';

/** A source some of whose methods are others. */
export function wrappedSource(source: WeightSource, other: Partial<WeightSource>): WeightSource {
  return {
    name: source.name,
    config: source.config,
    tensors: source.tensors,
    tensor: (name) => source.tensor(name),
    rows: (name, from, to) => source.rows(name, from, to),
    contentHash: (hasher) => source.contentHash(hasher),
    assertUnchanged: () => source.assertUnchanged(),
    close: () => source.close(),
    ...other,
  };
}
