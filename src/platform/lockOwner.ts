/** Who holds a lock file, and whether that process still lives. One line: `PID HOST TOKEN LIFE`. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * A lock file that names nobody is a killed process's only when it has lain there so long; a
 * younger one is being written.
 */
const TORN_MILLISECONDS = 60_000;

/** A lock file as it was found. */
export interface FoundLock {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** Null in locks of version 0.1. */
  readonly life: string | null;
}

/** A new lock's content; no two are the same. */
export function lockText(): string {
  return `${process.pid} ${thisHost()} ${randomBytes(6).toString('hex')} ${lifeOf('self') ?? '-'}\n`;
}

/** A short name for a lock file's content, fit for a file name. */
export function lockToken({ text }: FoundLock): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

/**
 * Whether the process that made the lock is certainly gone. Where that cannot be known, it is not.
 */
export function isStale(lock: FoundLock): boolean {
  const owner = parseOwner(lock.text);
  if (owner === null) return Date.now() - lock.modified > TORN_MILLISECONDS;
  const { pid, host, life } = owner;
  if (host !== thisHost()) return false;
  const [own, now] = [lifeOf('self'), lifeOf(pid)];
  // Another container on this machine counts processes for itself: none of its can be asked about.
  if (life !== null && own !== null && spaceOf(life) !== spaceOf(own)) return false;
  if (!isAlive(pid)) return true;
  // The number may have gone to another process since.
  if (life !== null && now !== null) return life !== now;
  return pid === process.pid && life === null;
}

/** The holder in words, for messages. */
export function ownerText({ text }: FoundLock): string {
  const owner = parseOwner(text);
  return owner === null ? 'a process that it does not name' : `process ${owner.pid} on ${owner.host}`;
}

/** Null where the text is not a complete line of this version or of 0.1 (`PID HOST`). */
function parseOwner(text: string): Owner | null {
  const match = /^(\d+) (\S+)(?: [0-9a-f]{12} (\S+)\n)?$/.exec(text);
  if (match === null) return null;
  const [, pid, host, life] = match as unknown as [string, string, string, string | undefined];
  return { pid: Number(pid), host, life: life === undefined || life === '-' ? null : life };
}

function thisHost(): string {
  return hostname().replaceAll(/\s/g, '_');
}

/**
 * What tells a process from a later one of the same number: the space its number counts in, and
 * when it began. Only Linux says; null elsewhere, and where it keeps that to itself.
 */
function lifeOf(pid: number | 'self'): string | null {
  try {
    const space = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0];
    // The second field is the program's name in brackets, which may hold anything; the start is the
    // 22nd.
    const start = readFileSync(`/proc/${pid}/stat`, 'utf8').split(')').at(-1)?.trim().split(' ')[19];
    return space === undefined || start === undefined ? null : `${space}/${start}`;
  } catch {
    return null;
  }
}

function spaceOf(life: string): string {
  return life.split('/')[0];
}

function isAlive(pid: number): boolean {
  try {
    // Signal 0 only asks; EPERM says that it is there and another user's.
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
