import { SqnExhaustedError } from '@rollcall/aka'
import { InvalidIdentityError, RollcallError } from '@rollcall/core'
import { InvalidGussError } from '@rollcall/gba'
import { type RpcContext, RpcError, type RpcErrorCode } from '@rollcall/runtime'
import { RecordTooLargeError } from '@rollcall/store'
import {
  ConcurrentChangeError,
  DigestCredentialsUnknownError,
  PolicyNotInForceError,
  RequestInvalidError,
  SubscriberExistsError,
  SubscriberInvalidError,
  SubscriberUnknownError,
  TooManyPasswordsError,
} from './errors.ts'
import type { HssEvents } from './events.ts'

/**
 * Binds a handler to its context. What it throws of ours leaves as an `RpcError` with its words, which repeat what the
 * caller sent and no secret; what the store throws, as UNAVAILABLE with its code. Anything else goes through as it is, and
 * the server knows what to make of it.
 */
export function handle<C, Req, Res>(
  events: Pick<HssEvents, 'refused'>,
  context: () => C,
  handler: (context: C, request: Req, call: RpcContext) => Promise<Res>,
): (request: Req, call: RpcContext) => Promise<Res> {
  return async (request, call) => {
    try {
      return await handler(context(), request, call)
    } catch (error) {
      const translated = translate(error)
      const isUnavailable = translated instanceof RpcError && translated.code === 'RPC_UNAVAILABLE'
      if (isUnavailable && !(error instanceof PolicyNotInForceError)) events.refused('store-unavailable')
      throw translated
    }
  }
}

function translate(error: unknown): unknown {
  if (!(error instanceof RollcallError) || error instanceof RpcError) return error
  const code = codeOf(error)
  if (code) return new RpcError(code, error.message, { cause: error })
  // A bucket that is away, missing, full or denied: whatever it is, the HSS cannot answer now, and the log says why.
  return error.code.startsWith('STORE_') ? new RpcError('RPC_UNAVAILABLE', error.code, { cause: error }) : error
}

function codeOf(error: RollcallError): RpcErrorCode | undefined {
  if (error instanceof SubscriberInvalidError || error instanceof RequestInvalidError) return 'RPC_INVALID'
  if (
    error instanceof InvalidIdentityError ||
    error instanceof InvalidGussError ||
    error instanceof RecordTooLargeError
  )
    return 'RPC_INVALID'
  if (error instanceof SubscriberExistsError) return 'RPC_ALREADY_EXISTS'
  if (error instanceof SubscriberUnknownError) return 'RPC_NOT_FOUND'
  if (error instanceof ConcurrentChangeError) return 'RPC_CONFLICT'
  if (error instanceof DigestCredentialsUnknownError) return 'RPC_NOT_FOUND'
  if (error instanceof SqnExhaustedError || error instanceof TooManyPasswordsError) return 'RPC_EXHAUSTED'
  if (error instanceof PolicyNotInForceError) return 'RPC_UNAVAILABLE'
  return undefined
}
