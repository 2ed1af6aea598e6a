/** Loss and gradients of a batch, on the host. */
import type { GradientBackend } from '../backends/gradients.ts';
import { runInTurns, turnWhenDue } from '../model/eventLoop.ts';
import { countTargets, type Batch } from './batch.ts';
import { Tape } from './tape.ts';
import type { Trainee } from './trainee.ts';
import { forwardSteps } from './trainingForward.ts';

export interface LossAndGradients {
  /** Mean negative log-likelihood of the targets, nats. */
  loss: number;
  /** Rows with a target. */
  targets: number;
  /** By parameter name, in the order of the trainee's parameters. */
  gradients: ReadonlyMap<string, Float32Array>;
}

/**
 * The mean loss over the targets of all `parts` and its gradients. Parts are run one after another
 * and added up, so that a step can be larger than memory; each target counts the same whichever
 * part it is in.
 */
export async function lossAndGradients(
  backend: GradientBackend,
  trainee: Trainee,
  parts: readonly Batch[],
): Promise<LossAndGradients> {
  const targets = parts.reduce((sum, batch) => sum + countTargets(batch), 0);
  const sums = new Map<string, Float32Array>();
  let loss = 0;
  for (const batch of parts) {
    const scope = backend.scope();
    try {
      const tape = new Tape(scope);
      const nll = await runInTurns(forwardSteps(tape, trainee, batch, 1 / targets));
      for (const finished of tape.gradients()) {
        await turnWhenDue();
        if (finished === null) continue;
        const { name, gradient } = finished;
        const values = await backend.download(gradient);
        backend.free(scope.keep(gradient));
        const sum = sums.get(name);
        if (sum === undefined) sums.set(name, values);
        else for (let i = 0; i < sum.length; i++) sum[i] += values[i];
      }
      for (const value of await backend.download(nll)) loss += value;
    } finally {
      scope.close();
    }
  }
  const gradients = new Map<string, Float32Array>();
  for (const name of trainee.parameters.keys()) {
    const gradient = sums.get(name);
    if (gradient !== undefined) gradients.set(name, gradient);
  }
  return { loss: loss / targets, targets, gradients };
}
