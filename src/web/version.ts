/** Put in place by src/web/bundle. */
declare const BLOCKPRUNER_VERSION: string | undefined;

/** The program's version, for results. */
export const version: string = typeof BLOCKPRUNER_VERSION === 'undefined' ? 'not bundled' : BLOCKPRUNER_VERSION;
