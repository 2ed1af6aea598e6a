/**
 * The program's version, that of package.json. It stands here too, because a bundled program has no
 * package.json of ours beside it.
 */
export const PROGRAM_VERSION = '0.1.0';
