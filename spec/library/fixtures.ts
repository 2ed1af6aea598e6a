/** What the facade's suites run on, wherever they run. */
import type * as errors from '../../src/errors.ts';
import type { BackendSettings, Model } from '../../src/library/model.ts';
import type { Golden } from '../../tiny-models/planted/golden.ts';

export interface Fixtures {
  /** Opens the planted model, without threads where nothing else is said. */
  open(settings?: BackendSettings): Promise<Model>;
  /** A place for a journal that nobody has used yet. */
  newJournal(): string;
  /** The golden results of the planted model, and the text they are over. */
  golden: Golden;
  text: string;
  /** The error classes of what is tested: a bundle has its own. */
  errors: typeof errors;
}

export async function eventsOf<E>(run: AsyncIterable<E>): Promise<E[]> {
  const events: E[] = [];
  for await (const event of run) events.push(event);
  return events;
}

/** Errors of an awaited call or run. */
export function failing(call: PromiseLike<unknown>): Promise<unknown> {
  return Promise.resolve(call).then(
    () => null,
    (error: unknown) => error,
  );
}

/** Opens a model for some work, and closes it after that. */
export function usingModel({ open }: Fixtures) {
  return async <T>(use: (model: Model) => Promise<T>, settings?: BackendSettings): Promise<T> => {
    const model = await open(settings);
    try {
      return await use(model);
    } finally {
      await model.close();
    }
  };
}
