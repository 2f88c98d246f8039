import { RollcallError } from '@rollcall/core'

/** Another set already ends at this SPI: choose another one. */
export class SpiInUseError extends RollcallError {
  override readonly name = 'SpiInUseError'
  readonly code = 'ESP_SPI_IN_USE'
  readonly spi: number
  constructor(spi: number) {
    super(`SPI ${spi} is in use`)
    this.spi = spi
  }
}

/** A set of this name is installed, and it is a different one. */
export class SaSetMismatchError extends RollcallError {
  override readonly name = 'SaSetMismatchError'
  readonly code = 'ESP_SA_SET_MISMATCH'
  readonly setId: string
  constructor(setId: string) {
    super(`SA set ${setId} is installed with other parameters`)
    this.setId = setId
  }
}

/** No room for another set. */
export class SaSetsFullError extends RollcallError {
  override readonly name = 'SaSetsFullError'
  readonly code = 'ESP_SA_SETS_FULL'
  readonly setsMax: number
  constructor(setsMax: number) {
    super(`there are ${setsMax} SA sets already`)
    this.setsMax = setsMax
  }
}

/** No set of this name is installed (any more). */
export class SaUnknownError extends RollcallError {
  override readonly name = 'SaUnknownError'
  readonly code = 'ESP_SA_UNKNOWN'
  readonly setId: string
  constructor(setId: string) {
    super(`SA set ${setId} is not installed`)
    this.setId = setId
  }
}

/** The other end of the set has not sent anything yet, so that nobody knows where its encapsulation socket is. */
export class OuterAddressUnknownError extends RollcallError {
  override readonly name = 'OuterAddressUnknownError'
  readonly code = 'ESP_OUTER_ADDRESS_UNKNOWN'
  readonly setId: string
  constructor(setId: string) {
    super(`SA set ${setId} has no outer address yet`)
    this.setId = setId
  }
}

/** The message does not fit into one packet. */
export class PacketTooLargeError extends RollcallError {
  override readonly name = 'PacketTooLargeError'
  readonly code = 'ESP_PACKET_TOO_LARGE'
  readonly bytes: number
  readonly bytesMax: number
  constructor(bytes: number, bytesMax: number) {
    super(`${bytes} octets, at most ${bytesMax} fit`)
    this.bytes = bytes
    this.bytesMax = bytesMax
  }
}

/** The encapsulation socket cannot be opened there. */
export class EncapsulationBindError extends RollcallError {
  override readonly name = 'EncapsulationBindError'
  readonly code = 'ESP_BIND'
  readonly address: string
  readonly port: number
  constructor(address: string, port: number, cause: unknown) {
    super(`cannot open the encapsulation socket at ${address}:${port}`, { cause })
    this.address = address
    this.port = port
  }
}
