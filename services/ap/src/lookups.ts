import { type CallUnaryOptions, RpcError } from '@rollcall/runtime'
import { LookupError, type LookupFailure } from './errors.ts'

const FAILURES: Readonly<Partial<Record<RpcError['code'], LookupFailure>>> = {
  RPC_NOT_FOUND: 'unknown',
  RPC_DENIED: 'denied',
  RPC_INVALID: 'unknown',
}

/** A UE waits for the answer: so long the BSF and the HSS may take. */
export const LOOKUP_OPTIONS: CallUnaryOptions = { deadlineMs: 3_000 }

/** Asks, and turns what went wrong into what a UE is told. @throws LookupError */
export async function lookUp<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (cause) {
    if (!(cause instanceof RpcError)) throw cause
    throw new LookupError(FAILURES[cause.code] ?? 'unavailable', { cause })
  }
}
