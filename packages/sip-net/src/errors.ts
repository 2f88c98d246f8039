import { RollcallError } from '@rollcall/core'

/** The address cannot be listened on. */
export class BindFailedError extends RollcallError {
  override readonly name = 'BindFailedError'
  readonly code = 'SIP_BIND_FAILED'
  readonly address: string
  readonly port: number

  constructor(transport: 'udp' | 'tcp' | 'tls', address: string, port: number, cause: unknown) {
    super(`cannot listen on ${transport} ${address}:${port}`, { cause })
    this.address = address
    this.port = port
  }
}

/** The message is longer than a datagram of this transport may be. */
export class DatagramTooLargeError extends RollcallError {
  override readonly name = 'DatagramTooLargeError'
  readonly code = 'SIP_DATAGRAM_TOO_LARGE'
  readonly bytes: number
  readonly bytesMax: number

  constructor(bytes: number, bytesMax: number) {
    super(`${bytes} octets are more than the ${bytesMax} that one datagram takes`)
    this.bytes = bytes
    this.bytesMax = bytesMax
  }
}

/** The transport has been closed. */
export class TransportClosedError extends RollcallError {
  override readonly name = 'TransportClosedError'
  readonly code = 'SIP_TRANSPORT_CLOSED'

  constructor() {
    super('the transport is closed')
  }
}

/** What waits for a connection has reached its bound: the peer takes nothing away, or is not there yet. */
export class SendQueueFullError extends RollcallError {
  override readonly name = 'SendQueueFullError'
  readonly code = 'SIP_SEND_QUEUE_FULL'
  readonly queueBytesMax: number

  constructor(queueBytesMax: number) {
    super(`${queueBytesMax} octets wait for the connection already`)
    this.queueBytesMax = queueBytesMax
  }
}

/** The peer could not be connected to a moment ago; it is tried again when the back-off is over. */
export class PeerAwayError extends RollcallError {
  override readonly name = 'PeerAwayError'
  readonly code = 'SIP_PEER_AWAY'
  readonly retryInMs: number

  constructor(retryInMs: number) {
    super(`the peer is away; it is tried again in ${Math.ceil(retryInMs)} ms`)
    this.retryInMs = retryInMs
  }
}

/** There are as many connections as there may be. */
export class ConnectionsFullError extends RollcallError {
  override readonly name = 'ConnectionsFullError'
  readonly code = 'SIP_CONNECTIONS_FULL'
  readonly connectionsMax: number

  constructor(connectionsMax: number) {
    super(`there are ${connectionsMax} connections`)
    this.connectionsMax = connectionsMax
  }
}

/** A name has no address, or the name servers do not say. */
export class NameUnresolvedError extends RollcallError {
  override readonly name = 'NameUnresolvedError'
  readonly code = 'SIP_NAME_UNRESOLVED'
  readonly host: string

  constructor(host: string, options?: ErrorOptions) {
    super(`${host} has no address`, options)
    this.host = host
  }
}
