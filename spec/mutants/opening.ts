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
    file: 'src/formats/huggingface/storedNames.ts',
    specs: ['spec/formats/huggingface/storedNames.spec.ts'],
    name: 'names: parts within them are left in',
    from: "name: storedName.replaceAll(wrappers, '')",
    to: 'name: storedName',
  },
  {
    file: 'src/formats/huggingface/storedNames.ts',
    specs: ['spec/formats/huggingface/storedNames.spec.ts'],
    name: 'names: of two models the first is taken',
    from: 'if (found.length > 1) {',
    to: 'if (found.length > 999) {',
  },
  {
    file: 'src/formats/safetensors/parse.ts',
    specs: ['spec/formats/otherFiles.spec.ts'],
    name: '__metadata__: null is refused',
    from: 'if (value === null) continue;',
    to: '',
  },
  {
    file: 'src/formats/gguf/reader.ts',
    specs: ['spec/formats/otherFiles.spec.ts'],
    name: 'GGUF: text that is not UTF-8 is not noted',
    from: 'this.#isText &&= text !== null;',
    to: '',
  },
  {
    file: 'src/formats/gguf/specialIds.ts',
    specs: ['spec/formats/otherFiles.spec.ts'],
    name: 'GGUF: ids below 0 are not looked at',
    from: '(value < 0 || value >= size)',
    to: 'value >= size',
  },
  {
    file: 'src/formats/huggingface/config.ts',
    specs: ['spec/formats/otherFiles.spec.ts'],
    name: 'config.json: an end token outside the vocabulary stays',
    from: "eosTokenIds.filter((id) => within('eos_token_id', id))",
    to: "eosTokenIds.filter((id) => within('eos_token_id', id) || true)",
  },
  {
    file: 'src/formats/safetensors/checkpoint.ts',
    specs: ['spec/formats/otherFiles.spec.ts'],
    name: 'an index hides tensors that it does not list',
    from: '(index?.fileOf.get(name) ?? file) !== file',
    to: 'index !== null && index.fileOf.get(name) !== file',
  },
  {
    file: 'src/formats/modelFiles.ts',
    specs: ['spec/formats/otherFiles.spec.ts'],
    name: 'a config.json without safetensors hides the .gguf beside it',
    from: ' || (!hasSafetensors && ggufModels(files).length > 0)',
    to: '',
  },
  {
    file: 'src/formats/gguf/parts.ts',
    specs: ['spec/formats/gguf/split.spec.ts'],
    name: 'parts: their numbers are not compared',
    from: 'number === index && count ===',
    to: 'count ===',
  },
  {
    file: 'src/formats/gguf/parts.ts',
    specs: ['spec/formats/gguf/split.spec.ts'],
    name: 'parts: all tensors are read from the first',
    from: 'source: sources[index]',
    to: 'source: sources[0]',
  },
  {
    file: 'src/platform/hub/client.ts',
    specs: ['spec/platform/hub/download.spec.ts'],
    name: 'hub: a byte now and then keeps a connection alive',
    from: 'if (this.#bytes < LEAST) return;',
    to: '',
  },
  {
    file: 'src/platform/hub/download.ts',
    specs: ['spec/platform/hub/download.spec.ts'],
    name: 'hub: a cached blob of the right size is taken for right',
    from: '=== size && (await hasPromisedBytes(dirname(blob), basename(blob)))',
    to: '=== size',
  },
  {
    file: 'src/platform/hub/downloadLock.ts',
    specs: ['spec/platform/hub/download.spec.ts'],
    name: 'hub: two processes download into the same file at once',
    from: 'const unlock = await waitForLock(path, incomplete, onWait);',
    to: 'const unlock = () => Promise.resolve();',
  },
  {
    file: 'src/platform/hub/download.ts',
    specs: ['spec/platform/hub/download.spec.ts'],
    name: 'hub: a good blob is replaced by its like',
    from: 'if (await isRight(blob, file)) return await rm(incomplete, { force: true });',
    to: '',
  },
  {
    file: 'src/platform/hub/cache.ts',
    specs: ['spec/platform/hub/cache.spec.ts'],
    name: 'hub: a file of a commit is replaced by its like',
    from: 'if (await hasBytesOf(path, blob)) return;',
    to: '',
  },
  {
    ...http,
    name: 'over HTTP the size of the file is not compared',
    from: ' || (now.size ?? size) !== size',
    to: '',
  },
];
