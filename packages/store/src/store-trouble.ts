import { JetStreamError, StoreDeniedError, StoreUnavailableError, StreamMissingError } from './errors.ts'

/** True for the store's trouble, not ours: it may pass. An answer that is no JSON is a server's half-sent one. */
export function isStoreTrouble(error: unknown): boolean {
  return (
    error instanceof StoreUnavailableError ||
    error instanceof StoreDeniedError ||
    error instanceof JetStreamError ||
    error instanceof StreamMissingError ||
    error instanceof SyntaxError
  )
}
