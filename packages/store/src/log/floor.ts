import { LogTruncatedError } from '../errors.ts'

/**
 * Refuses a log that ends before its floor: a record, or a mark, that is known to have been acknowledged. Only records and
 * marks count. Whoever takes a partition writes an epoch message first, also when it then finds the log cut off: by their
 * sequences the log would soon seem to reach the floor again.
 *
 * @throws LogTruncatedError
 */
export function checkFloor(o: { stream: string; subject: string; lastAppend: number; floor: bigint }): void {
  const last = BigInt(o.lastAppend)
  // guard: log-floor — a log whose end the server has lost looks whole
  if (last < o.floor) throw new LogTruncatedError(o.stream, o.subject, last, o.floor)
}
