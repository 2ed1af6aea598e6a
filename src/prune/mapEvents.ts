/** Generators that tell what they do while they work towards a result. */

/**
 * Tells a generator's events in other words, and gives its result. Whoever abandons this one
 * abandons that one too, which then frees what it holds.
 */
export async function* mapEvents<From, To, Result>(
  events: AsyncGenerator<From, Result>,
  tell: (event: From) => To,
): AsyncGenerator<To, Result> {
  let next = await events.next();
  try {
    for (; next.done !== true; next = await events.next()) yield tell(next.value);
    return next.value;
  } finally {
    await abandon(events);
  }
}

/**
 * Ends a generator before its end: its `finally` runs, and it gives no result. One that has ended
 * is left as it is. (`return` asks for a result to end with, which nobody will see; this signature
 * says so.)
 */
export async function abandon(generator: AsyncGenerator<unknown, unknown>): Promise<void> {
  await generator.return(undefined);
}

/** A generator's result, for who does not care what it tells. */
export async function resultOf<Result>(work: AsyncGenerator<unknown, Result>): Promise<Result> {
  for (;;) {
    const next = await work.next();
    if (next.done === true) return next.value;
  }
}
