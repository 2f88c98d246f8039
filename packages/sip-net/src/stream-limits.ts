/** How much connections may cost, and how long they may take. */
export interface StreamLimits {
  /** Octets of a message up to and with its empty line, and of its body; as `@rollcall/sip` has them. */
  readonly headBytesMax: number
  readonly bodyBytesMax: number
  /** Connections in both directions; beyond it none is opened or taken. */
  readonly connectionsMax: number
  /** Connections that one address may have to us. */
  readonly connectionsPerAddressMax: number
  /** How long an inbound TLS handshake may take, and the connecting of an outbound one, each address of its own. */
  readonly connectMs: number
  /** A message that has begun must be whole by then: who sends an octet a minute holds nothing. */
  readonly messageMs: number
  /** A connection that carries nothing is closed after this. */
  readonly idleMs: number
  /** What was opened by us is kept alive by a ping after this (RFC 5626 section 4.4.1: 95 to 120 s for TCP). */
  readonly keepAliveMs: number
  /** A pong comes within this, or the connection is dead (RFC 5626 section 4.4.1). */
  readonly pongMs: number
  /** Octets that wait for a peer that is slow, or not there yet. Beyond it a request is refused, and who takes no responses is cut. */
  readonly queueBytesMax: number
  /** A peer that cannot be connected to is tried again after this, doubled with each failure up to the longest. */
  readonly backoffMsMin: number
  readonly backoffMsMax: number
}

/** Choice: all of them but the times of RFC 5626; a node of another vendor opens a few connections, and keeps them. */
export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  headBytesMax: 16 * 1024,
  bodyBytesMax: 64 * 1024,
  connectionsMax: 1_024,
  connectionsPerAddressMax: 64,
  connectMs: 5_000,
  messageMs: 10_000,
  idleMs: 600_000,
  keepAliveMs: 120_000,
  pongMs: 10_000,
  queueBytesMax: 4 * 1024 * 1024,
  backoffMsMin: 250,
  backoffMsMax: 30_000,
}
