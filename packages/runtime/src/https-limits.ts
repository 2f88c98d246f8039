import type { ServerOptions } from 'node:http'

/** How much of HTTP one listener takes. At each bound the client gets the answer named here, and is counted. */
export interface HttpLimits {
  /** Request line and header fields together; over it 431. */
  readonly headerBytesMax: number
  /** A body; over it 413. */
  readonly bodyBytesMax: number
  /** From a connection's first octet of a request to the end of its header; over it 408. */
  readonly headerMs: number
  /** To the end of its body; over it 408. */
  readonly requestMs: number
  /**
   * A connection without a request ends after it; one on which nothing moves, or whose client has not taken its answer,
   * after it and `requestMs`.
   */
  readonly idleMs: number
  /** A connection of this age is told `Connection: close` with its next answer. */
  readonly connectionAgeMs: number
  /** Connections at once; one beyond it is closed at once. */
  readonly connectionsMax: number
  /** Of them by one source, an address or the /64 of an IPv6 one; one beyond it is closed at once. One /48 has at most half of all. */
  readonly connectionsPerSourceMax: number
  /** Requests of one connection that wait for their turn; a client that sends more is closed. */
  readonly pipelinedMax: number
}

/** `Choice:` for listeners inside, and what others begin with. Beside each stands what it is measured by. */
export const HTTP_LIMITS: HttpLimits = {
  // Node's own default, and twice of what the longest selector and a B-TID need.
  headerBytesMax: 16 * 1024,
  // A document of XCAP.
  bodyBytesMax: 64 * 1024,
  headerMs: 5_000,
  requestMs: 10_000,
  // Longer than a client of ours keeps a connection (https-client.ts): it must not send into one that is being closed.
  idleMs: 60_000,
  // Below the life of a certificate, as with gRPC: whose certificate has ended is out within that time.
  connectionAgeMs: 20 * 60_000,
  connectionsMax: 10_000,
  // Inside a source is a service of ours, with a pool of its own bounds.
  connectionsPerSourceMax: 10_000,
  pipelinedMax: 16,
}

/** So often Node looks for requests that take too long. */
const LOOK_MS = 1_000
/** `Choice:` a client that is this slow in TLS is no client. */
export const HANDSHAKE_MS = 5_000

/** What Node is told of the limits. */
export function httpServerOptions(limits: HttpLimits): ServerOptions {
  return {
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headerMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
    connectionsCheckingInterval: Math.min(LOOK_MS, limits.headerMs, limits.requestMs),
    requireHostHeader: true,
    insecureHTTPParser: false,
    noDelay: true,
  }
}
