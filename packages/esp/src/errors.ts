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

/** These two algorithms do not go together in an SA (TS 33.203 annex H). */
export class InvalidAlgorithmPairError extends RollcallError {
  override readonly name = 'InvalidAlgorithmPairError'
  readonly code = 'ESP_ALGORITHM_PAIR'
  readonly integrity: string
  readonly encryption: string
  constructor(integrity: string, encryption: string) {
    super(`${integrity} and ${encryption} do not go together`)
    this.integrity = integrity
    this.encryption = encryption
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

/** The text is no address of IPv4 or IPv6. */
export class InvalidIpAddressError extends RollcallError {
  override readonly name = 'InvalidIpAddressError'
  readonly code = 'ESP_IP_ADDRESS'
  readonly text: string
  constructor(text: string) {
    super(`${JSON.stringify(text.slice(0, 80))} is no IP address`)
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
