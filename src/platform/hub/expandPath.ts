import { UsageError } from '../../errors.ts';

/**
 * A folder from an environment variable with `~`, `$NAME` and `${NAME}` in it replaced, as Hugging
 * Face's own tools do: a shell leaves them where the value was quoted or comes from a file. A name
 * that is not set stays as it is.
 * @param variable the variable's name, for messages.
 * @throws UsageError for `~name`, another user's folder.
 */
export function expandPath(
  path: string,
  variable: string,
  home: string,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const named = path.replaceAll(/\$(?:(\w+)|\{(\w+)\})/g, (whole, plain?: string, braced?: string) => {
    const name = plain ?? braced ?? '';
    // A plain object answers to names such as toString, too.
    return (Object.hasOwn(env, name) ? env[name] : undefined) ?? whole;
  });
  if (!named.startsWith('~')) return named;
  if (named === '~' || /^~[/\\]/.test(named)) return home + named.slice(1);
  throw new UsageError("begins with '~' and a name.", { where: variable, remedy: 'Write the folder out.' });
}
