import { RollcallError } from '@rollcall/core'

type AkaKeyName = 'K' | 'OP' | 'OPc' | 'TOP' | 'TOPc'

/** A key from a credentials file or a subscriber record has the wrong length. */
export class AkaKeyLengthError extends RollcallError {
  override readonly name = 'AkaKeyLengthError'
  readonly code = 'AKA_KEY_LENGTH'
  readonly key: AkaKeyName
  readonly octets: number
  constructor(key: AkaKeyName, octets: number) {
    super(`${key} has ${octets} octets: Milenage takes 16, TUAK a K of 16 or 32 and a TOP or TOPc of 32`)
    this.key = key
    this.octets = octets
  }
}

/** The text of a nonce parameter holds no RAND and AUTN. */
export class InvalidNonceError extends RollcallError {
  override readonly name = 'InvalidNonceError'
  readonly code = 'AKA_NONCE'
  constructor(detail: string) {
    super(`not an AKA nonce: ${detail}`)
  }
}

/** The text of an auts parameter holds no AUTS. */
export class InvalidAutsError extends RollcallError {
  override readonly name = 'InvalidAutsError'
  readonly code = 'AKA_AUTS'
  constructor(detail: string) {
    super(`not an AUTS: ${detail}`)
  }
}

/** A digest was asked for with a qop, but without the nc or cnonce which that qop needs. */
export class DigestIncompleteError extends RollcallError {
  override readonly name = 'DigestIncompleteError'
  readonly code = 'AKA_DIGEST_INCOMPLETE'
  readonly missing: 'nc' | 'cnonce'
  constructor(missing: 'nc' | 'cnonce') {
    super(`a digest with qop needs ${missing}`)
    this.missing = missing
  }
}

/** Every SEQ of a subscriber has been used: the ISIM must be replaced. */
export class SqnExhaustedError extends RollcallError {
  override readonly name = 'SqnExhaustedError'
  readonly code = 'AKA_SQN_EXHAUSTED'
  constructor() {
    super('no SEQ is left')
  }
}

/** The stored state of an ISIM is not what `formatIsimState` writes. */
export class InvalidIsimStateError extends RollcallError {
  override readonly name = 'InvalidIsimStateError'
  readonly code = 'AKA_ISIM_STATE'
  constructor(detail: string) {
    super(`not the state of an ISIM: ${detail}`)
  }
}
