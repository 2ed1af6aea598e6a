/**
 * Adds one list to another. As arguments of one `push`, a hundred thousand would overflow the
 * stack.
 */
export function appendAll<T>(to: T[], items: readonly T[]): void {
  for (const item of items) to.push(item);
}
