/**
 * The root of every error that the world may cause. Each subclass is one failure, with its data in fields and a stable
 * `code` that the one map of each protocol (SIP, HTTP, gRPC) turns into an answer. Secrets never go into a message.
 */
export abstract class RollcallError extends Error {
  /** Stable, upper case, for maps, logs and metrics: `STORE_FENCED`. */
  abstract readonly code: string
}
