/**
 * Every candidate's loss on every token of one exact step, on disk: one line of JSON, then f32 values
 * [stream][chunk][T − 1], the stream under the mask alone last. Ignored targets are NaN.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { KnownLosses } from '../src/prune/race/raceReplay.ts';
import { cutLosses } from '../src/prune/race/raceSegments.ts';
import type { LayerSpec } from '../src/model/config.ts';

export interface LossRecord {
  model: string;
  data: string;
  /** Blocks removed before the step. */
  mask: string;
  layers: readonly LayerSpec[];
  candidates: string[];
  chunks: number;
  /** T − 1. */
  targets: number;
  /** Losses: [candidate][chunk][T − 1]. */
  losses: Float32Array[][];
  base: Float32Array[];
}

export function writeLossRecord(file: string, record: LossRecord): void {
  const { losses, base, ...header } = record;
  const streams = [...losses, base].flatMap((chunks) =>
    chunks.map((nll) => Buffer.from(Float32Array.from(nll).buffer)),
  );
  writeFileSync(file, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...streams]));
}

/** Reads the first `most` chunks of a record. */
export function readLossRecord(file: string, most: number): LossRecord {
  const bytes = readFileSync(file);
  const end = bytes.indexOf('\n');
  const header = JSON.parse(bytes.subarray(0, end).toString()) as Omit<LossRecord, 'losses' | 'base'>;
  const values = new Float32Array(Uint8Array.from(bytes.subarray(end + 1)).buffer);
  const { targets } = header;
  const chunks = Math.min(most, header.chunks);
  const streams = Array.from({ length: header.candidates.length + 1 }, (_, stream) => {
    return Array.from({ length: chunks }, (__, chunk) => {
      const at = (stream * header.chunks + chunk) * targets;
      return values.subarray(at, at + targets);
    });
  });
  return { ...header, chunks, losses: streams.slice(0, -1), base: streams[streams.length - 1] };
}

/** The record as a race sees it: segments, each divided by its chunk's targets. */
export function knownLosses({ losses }: LossRecord): KnownLosses {
  const scored = losses[0].map((nll) => Array.from(nll, (value) => !Number.isNaN(value)));
  const cut = (nll: Float32Array, chunk: number): Float64Array => {
    const counts = scored[chunk];
    const targets = counts.filter(Boolean).length;
    return cutLosses(nll.length, (target) => (counts[target] ? nll[target] : 0)).map((nats) => nats / targets);
  };
  return {
    losses: losses.map((chunks) => chunks.map(cut)),
    shares: scored.map((counts) => {
      const targets = counts.filter(Boolean).length;
      return [...cutLosses(counts.length, (target) => (counts[target] ? 1 : 0))].map((count) => count / targets);
    }),
  };
}
