import { RollcallError } from '@rollcall/core'

/** CK or IK has the wrong length. */
export class EspKeyLengthError extends RollcallError {
  override readonly name = 'EspKeyLengthError'
  readonly code = 'ESP_KEY_LENGTH'
  readonly key: 'CK' | 'IK'
  readonly octets: number
  constructor(key: 'CK' | 'IK', octets: number) {
    super(`${key} has ${octets} octets, not 16`)
    this.key = key
    this.octets = octets
  }
}

/** An SA has sent 2^32 - 1 packets: its keys must be replaced before it may send another (RFC 4303 section 3.3.3). */
export class SequenceExhaustedError extends RollcallError {
  override readonly name = 'SequenceExhaustedError'
  readonly code = 'ESP_SEQUENCE_EXHAUSTED'
  readonly spi: number
  constructor(spi: number) {
    super(`SA ${spi} has used its last sequence number`)
    this.spi = spi
  }
}

/** The text is no IPv4 address in dotted form. */
export class InvalidIpv4AddressError extends RollcallError {
  override readonly name = 'InvalidIpv4AddressError'
  readonly code = 'ESP_IPV4_ADDRESS'
  readonly text: string
  constructor(text: string) {
    super(`${JSON.stringify(text.slice(0, 80))} is no IPv4 address`)
    this.text = text
  }
}

/** The parameters of an SA set cannot be used together. */
export class InvalidSaSetError extends RollcallError {
  override readonly name = 'InvalidSaSetError'
  readonly code = 'ESP_SA_SET'
  readonly field: string
  constructor(field: string, detail: string, options?: ErrorOptions) {
    super(`${field}: ${detail}`, options)
    this.field = field
  }
}
