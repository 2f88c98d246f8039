import { RollcallError } from '@rollcall/core'

/** A file of sealing keys is not what it should be. Never says what it holds. */
export class SealingKeysError extends RollcallError {
  override readonly name = 'SealingKeysError'
  readonly code = 'SEALING_KEYS'
  readonly file: string
  constructor(file: string, detail: string, cause?: unknown) {
    super(`${file}: ${detail}`, cause === undefined ? {} : { cause })
    this.file = file
  }
}

/**
 * A sealed record cannot be opened: it is none (`malformed`), its key is not in the file (`unknown-key`), or it was
 * changed, belongs to another record or another version of it (`not-authentic`).
 */
export class SealedRecordError extends RollcallError {
  override readonly name = 'SealedRecordError'
  readonly code = 'SEALED_RECORD'
  readonly reason: 'malformed' | 'unknown-key' | 'not-authentic'
  /** Id of the key that it names, if it could be read. */
  readonly keyId: string | undefined
  constructor(reason: SealedRecordError['reason'], keyId?: string) {
    super(`a sealed record cannot be opened: ${reason}${keyId === undefined ? '' : `, key ${keyId}`}`)
    this.reason = reason
    this.keyId = keyId
  }
}
