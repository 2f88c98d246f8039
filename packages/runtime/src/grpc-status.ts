import { randomBytes } from 'node:crypto'
import { type ServiceError, status as Status } from '@grpc/grpc-js'
import { RollcallError } from '@rollcall/core'
import { RpcError, type RpcErrorCode } from './errors.ts'

/** The one map between our codes and gRPC's (STYLE, Errors). */
const STATUS_OF = {
  RPC_UNAVAILABLE: Status.UNAVAILABLE,
  RPC_DEADLINE: Status.DEADLINE_EXCEEDED,
  RPC_DENIED: Status.PERMISSION_DENIED,
  RPC_UNAUTHENTICATED: Status.UNAUTHENTICATED,
  RPC_INVALID: Status.INVALID_ARGUMENT,
  RPC_NOT_FOUND: Status.NOT_FOUND,
  RPC_ALREADY_EXISTS: Status.ALREADY_EXISTS,
  RPC_PRECONDITION: Status.FAILED_PRECONDITION,
  RPC_CONFLICT: Status.ABORTED,
  RPC_EXHAUSTED: Status.RESOURCE_EXHAUSTED,
  RPC_UNIMPLEMENTED: Status.UNIMPLEMENTED,
  RPC_CANCELLED: Status.CANCELLED,
  RPC_INTERNAL: Status.INTERNAL,
} as const satisfies Record<RpcErrorCode, Status>

const CODE_OF = new Map<Status, RpcErrorCode>(
  Object.entries(STATUS_OF).map(([code, status]) => [status, code as RpcErrorCode]),
)

/**
 * Errors of the packages that services lean on, which any handler may let through. What a service throws of its own it
 * turns into an `RpcError` itself.
 */
const PACKAGE_CODES: Readonly<Record<string, RpcErrorCode>> = {
  INVALID_IDENTITY: 'RPC_INVALID',
  STORE_UNAVAILABLE: 'RPC_UNAVAILABLE',
  STORE_OVERLOADED: 'RPC_UNAVAILABLE',
  STORE_FENCED: 'RPC_UNAVAILABLE',
  STORE_RELEASED: 'RPC_UNAVAILABLE',
  STORE_FULL: 'RPC_EXHAUSTED',
  STORE_RECORD_TOO_LARGE: 'RPC_INVALID',
  STORE_INVALID_KEY: 'RPC_INVALID',
  STORE_KEY_EXISTS: 'RPC_ALREADY_EXISTS',
  STORE_REVISION_MISMATCH: 'RPC_CONFLICT',
}

/** What a handler's failure becomes on the wire. */
export interface StatusAnswer {
  readonly code: Status
  readonly details: string
  /** Set when nobody expected the error: the same id stands in the log, and the wire carries nothing else of it. */
  readonly errorId?: string
}

/** Turns whatever a handler threw into an answer. A message of an error that has no line above never leaves. */
export function toStatus(error: unknown): StatusAnswer {
  if (error instanceof RpcError) return { code: STATUS_OF[error.code], details: error.detail }
  if (error instanceof RollcallError) {
    const code = PACKAGE_CODES[error.code]
    if (code) return { code: STATUS_OF[code], details: error.code }
  }
  const errorId = randomBytes(6).toString('hex')
  return { code: Status.INTERNAL, details: `error ${errorId}`, errorId }
}

/**
 * Turns what grpc-js reports at a client into our error. A call that was cancelled, though not by its caller, was cut by
 * a server that ends.
 */
export function toRpcError(error: ServiceError, isCancelledHere: boolean): RpcError {
  const code = CODE_OF.get(error.code) ?? 'RPC_INTERNAL'
  const isCut = code === 'RPC_CANCELLED' && !isCancelledHere
  return new RpcError(isCut ? 'RPC_UNAVAILABLE' : code, error.details, { cause: error })
}

/** A status by its name, for labels and spans. */
export function statusName(code: Status): string {
  return Status[code] ?? 'UNKNOWN'
}
