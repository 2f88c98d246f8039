/**
 * Stops on a programmer's error: something that only our own code can have caused. What the world may cause has a
 * typed error instead.
 *
 * @throws Error when `condition` is false; nobody catches it to go on.
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`)
}

/** Ends a `switch` over a discriminated union: the compiler proves that it is never reached. */
export function assertNever(value: never): never {
  throw new Error(`assertion failed: unexpected variant ${JSON.stringify(value)}`)
}
