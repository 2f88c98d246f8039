import { RollcallError } from '@rollcall/core'
import { RpcError } from '@rollcall/runtime'

/** A B-TID that this BSF did not give, or whose key has ended. Which of the two it is, is not told. */
export class BtidUnknownError extends RollcallError {
  override readonly name = 'BtidUnknownError'
  readonly code = 'BSF_BTID_UNKNOWN'
  constructor() {
    super('no key for this B-TID: the UE has to bootstrap anew')
  }
}

/** A NAF asks for the key of another one. */
export class NafForeignError extends RollcallError {
  override readonly name = 'NafForeignError'
  readonly code = 'BSF_NAF_FOREIGN'
  constructor() {
    super('the certificate does not claim this NAF')
  }
}

/** A request of a NAF makes no sense: its programming error, not a user's. */
export class RequestInvalidError extends RollcallError {
  override readonly name = 'RequestInvalidError'
  readonly code = 'BSF_REQUEST_INVALID'
}

/** A record of ours is damaged. */
export class RecordUnreadableError extends RollcallError {
  override readonly name = 'RecordUnreadableError'
  readonly code = 'BSF_RECORD_UNREADABLE'
}

/** What leaves over Zn (TS 29.109 clause 6.2: 5403, 5402). What the store throws leaves as UNAVAILABLE. */
export function toRpcError(error: unknown): unknown {
  if (!(error instanceof RollcallError) || error instanceof RpcError) return error
  if (error instanceof BtidUnknownError) return new RpcError('RPC_NOT_FOUND', error.message, { cause: error })
  if (error instanceof NafForeignError) return new RpcError('RPC_DENIED', error.message, { cause: error })
  if (error instanceof RequestInvalidError) return new RpcError('RPC_INVALID', error.message, { cause: error })
  if (error.code.startsWith('STORE_')) return new RpcError('RPC_UNAVAILABLE', error.code, { cause: error })
  return error
}
