import type { LogLevel, RolldownLog } from 'rolldown';

/**
 * Ends a build at the bundler's first warning. Its hint that plugins took long is not one: it says
 * how busy the machine is.
 * @throws Error with the warning.
 */
export function onLog(level: LogLevel, log: RolldownLog): void {
  if (level === 'warn' && log.code !== 'PLUGIN_TIMINGS') throw new Error(log.message);
}
