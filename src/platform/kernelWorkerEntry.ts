/**
 * What a kernel thread under Node starts from. In a checkout that is a file. `npm run build` puts
 * the thread's whole program in this module's place (src/web/bundle/nodeWorker.ts): a bundler takes
 * it along, and no file must lie beside the bundle.
 */
export const kernelWorkerEntry: { file: URL } | { code: string } = {
  file: new URL('./kernelWorker.ts', import.meta.url),
};
