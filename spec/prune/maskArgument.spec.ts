import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { DataError, FormatError, MaskError, NotFoundError } from '../../src/errors.ts';
import { readMaskArgument } from '../../src/prune/maskArgument.ts';
import { writeOfficialOrder } from '../../src/prune/officialOrder.ts';
import { someMask } from './tinySearch.ts';
import { layersOf } from '../model/layers.ts';

const LAYERS = 6;

/** Reads an argument with files given by name. */
async function read(argument: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const mask = await readMaskArgument(argument, layersOf(LAYERS), async (path) => {
    if (files[path] === undefined) throw new NotFoundError('there is no such file.', { where: path });
    return files[path];
  });
  return mask.toString();
}

describe('--mask', () => {
  test.prop([someMask(LAYERS)])('a list is read as it is, and touches no file', async (mask) => {
    expect(await read(mask.toString())).toBe(mask.toString());
    expect(await read(` ${mask.toString().replaceAll(',', ' , ')} `)).toBe(mask.toString());
  });

  test.prop([someMask(LAYERS), fc.nat()])(
    'FILE@STEP is the removals up to that step, FILE all of them',
    async (mask, some) => {
      const files = { 'run/a.json': writeOfficialOrder(mask.blocks.map((block) => [block])) };
      const step = some % (mask.size + 1);
      expect(await read('run/a.json', files)).toBe(mask.toString());
      expect(await read(`run/a.json@${step}`, files)).toBe(mask.toString().split(',').slice(0, step).join(','));
    },
  );

  const files = {
    'a.json': '{"1":[["mlp",1]],"2":[["mlp",1]]}',
    'bad.json': '[1]',
    'a.json@1.json': '{}',
    'big.json': '{"1":[["mha",6]]}',
  };

  it('takes the last .json as the end of the name, and a step without a removal', async () => {
    expect(await read('a.json@1.json', files)).toBe('');
    expect(await read('a.json@2', files)).toBe('L1.mlp');
  });

  it.each<[string, new (message: string) => Error, RegExp]>([
    ['a.json@3', DataError, /a\.json: has 2 steps, 3 were asked for/],
    [`a.json@${'9'.repeat(400)}`, DataError, /has 2 steps/],
    ['bad.json', FormatError, /bad\.json: is not a del_order_list/],
    ['big.json', FormatError, /big\.json step 1: L6\.mha is not a block of the model, which has 6 layers/],
    ['none.json', NotFoundError, /none\.json/],
    ['a.json@', MaskError, /is not a block name/],
    ['a.json@-1', MaskError, /is not a block name/],
    ['L6.mha', MaskError, /L0 … L5/],
    ['L1.mha,L1.mha', MaskError, /named twice/],
    ['L1.mha,', MaskError, /is not a block name/],
    ['L01.mha', MaskError, /is not a block name/],
    ['L1.ffn', MaskError, /L<layer>\.mha or L<layer>\.mlp/],
  ])('refuses %s', async (argument, type, message) => {
    await expect(read(argument, files)).rejects.toThrow(type);
    await expect(read(argument, files)).rejects.toThrow(message);
  });
});
