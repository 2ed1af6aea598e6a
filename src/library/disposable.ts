/** The object itself, which `await using` closes where the engine knows `await using`. */
export function disposable<T extends { close(): Promise<void> }>(closable: T): T & AsyncDisposable {
  const symbol: symbol | undefined = Symbol.asyncDispose;
  if (symbol !== undefined) Object.defineProperty(closable, symbol, { value: () => closable.close() });
  return closable as T & AsyncDisposable;
}
