/** Faults of opening a model: its head, its names, its files. */
import type { Mutant } from './mutant.ts';

const hf = { file: 'src/formats/huggingface/weightSource.ts', specs: ['spec/formats/huggingface/tiedHead.spec.ts'] };
const tied = { ...hf, file: 'src/formats/huggingface/tiedHead.ts' };
const identity = { file: 'src/platform/fileIdentity.ts', specs: ['spec/platform/fileIdentity.spec.ts'] };
const nodeFile = { file: 'src/platform/nodeFile.ts', specs: identity.specs };
const http = { file: 'src/web/httpBytes.ts', specs: ['spec/web/httpBytes.spec.ts'] };

export const openingMutants: readonly Mutant[] = [
  {
    ...hf,
    name: 'tied head: a stored head that differs is not used',
    from: 'const ownHead = parsed.config.tieWordEmbeddings && (await storesOwnHead(parsed.config, tensors));',
    to: 'const ownHead = parsed.config.tieWordEmbeddings && (await storesOwnHead(parsed.config, tensors)) && false;',
  },
  {
    ...hf,
    name: 'tied head: any stored head is taken for one of its own',
    from: 'return head !== undefined && stored !== undefined && !(await headRepeatsEmbedding(head, stored));',
    to: 'return head !== undefined && stored !== undefined;',
  },
  {
    ...hf,
    name: 'tied head: of a bare GPT-2 the embedding is not found',
    from: 'tensors.get(embedding) ?? tensors.get(bareName(embedding))]',
    to: 'tensors.get(embedding)]',
  },
  {
    ...hf,
    name: 'tied head: stored alone, it is not taken for the embedding',
    from: 'config.tieWordEmbeddings && name === embedding ? tensors.get(HEAD) : undefined',
    to: 'undefined',
  },
  {
    ...tied,
    name: 'tied head: only the first piece is compared',
    from: 'done < count; done += PIECE',
    to: 'done < PIECE; done += PIECE',
  },
  {
    ...identity,
    name: 'file identity: the time of the last change is not looked at, so that cp -p goes unseen',
    from: ' && a.ctimeNs === b.ctimeNs',
    to: '',
  },
  {
    ...identity,
    name: 'file identity: the path is not looked at before the result',
    from: 'if (there === null || !same(there, known)) throw changed(path);',
    to: '',
  },
  {
    ...nodeFile,
    name: 'file identity: reads do not check it',
    from: 'assertSameContent(this.#handle, this.#identity, this.name);',
    to: '',
  },
  {
    file: 'src/prune/run.ts',
    specs: ['spec/formats/replacedModel.spec.ts'],
    name: 'a search gives its result without a last look at the model files',
    from: 'await model.source.assertUnchanged();',
    to: '',
  },
  {
    file: 'src/formats/safetensors/checkpoint.ts',
    specs: ['spec/formats/replacedModel.spec.ts'],
    name: 'only the first shard is looked at before the result',
    from: 'for (const source of sources) await source.assertUnchanged();',
    to: 'await sources[0].assertUnchanged();',
  },
  {
    ...http,
    name: 'over HTTP the version of a piece is not compared',
    from: ' || now.version !== version',
    to: '',
  },
  {
    ...http,
    name: 'over HTTP the size of the file is not compared',
    from: ' || (now.size ?? size) !== size',
    to: '',
  },
];
