import { RollcallError } from '@rollcall/core'

/** A header field of Digest cannot be read. Nothing of its value stands in the message. */
export class MalformedDigestError extends RollcallError {
  override readonly name = 'MalformedDigestError'
  readonly code = 'DIGEST_MALFORMED'
}
