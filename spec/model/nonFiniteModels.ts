/** Tiny models of which a known place stops being finite. */
import type { TinyOptions } from './tinyTransformer.ts';

/** Sets one number of a tensor of the file. */
export function poke(name: string, at: number, value: number): NonNullable<TinyOptions['edit']> {
  return (tensors) => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`no ${name}`);
    tensor.data[at] = value;
  };
}

/**
 * Biases of 2·10³⁸ that go in, out and in again: whole, every sum is finite; without L0.mlp two of
 * them meet and overflow f32. Four candidates, one of them NaN.
 */
export const cancelling: TinyOptions = {
  family: 'gpt2',
  edit: (tensors) => {
    for (const [name, value] of [
      ['h.0.attn.c_proj.bias', 2e38],
      ['h.0.mlp.c_proj.bias', -2e38],
      ['h.1.attn.c_proj.bias', 2e38],
    ] as const) {
      poke(tensors.has(name) ? name : `transformer.${name}`, 0, value)(tensors);
    }
  },
};

/** A final norm so loud that losses are hundreds of nats: `gain` × the usual. */
export const loud = (seed: number, gain: number): TinyOptions => ({
  seed,
  edit: (tensors) => tensors.get('model.norm.weight')?.data.fill(gain),
});
