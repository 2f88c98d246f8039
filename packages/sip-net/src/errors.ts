import { RollcallError } from '@rollcall/core'

/** The address cannot be listened on. */
export class BindFailedError extends RollcallError {
  override readonly name = 'BindFailedError'
  readonly code = 'SIP_BIND_FAILED'
  readonly address: string
  readonly port: number

  constructor(address: string, port: number, cause: unknown) {
    super(`cannot listen on udp ${address}:${port}`, { cause })
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
