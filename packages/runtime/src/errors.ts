import { RollcallError } from '@rollcall/core'

/** One setting that is wrong. */
export interface ConfigProblem {
  readonly name: string
  /** What came, or why the name itself is wrong. */
  readonly problem: string
  readonly allowed?: string
  readonly example?: string
}

/** The environment does not configure this service; `problems` holds every fault, not the first one. */
export class ConfigError extends RollcallError {
  override readonly name = 'ConfigError'
  readonly code = 'CONFIG_INVALID'
  readonly problems: readonly ConfigProblem[]
  constructor(service: string, problems: readonly ConfigProblem[]) {
    super(
      [
        `${service}: ${problems.length} setting${problems.length === 1 ? '' : 's'} wrong`,
        ...problems.map(
          (p) =>
            `  ${p.name}: ${p.problem}${p.allowed ? `; allowed: ${p.allowed}` : ''}${p.example ? `; example: ${p.example}` : ''}`,
        ),
      ].join('\n'),
    )
    this.problems = problems
  }
}

/** A certificate, key or authority file cannot be used. */
export class TlsIdentityError extends RollcallError {
  override readonly name = 'TlsIdentityError'
  readonly code = 'TLS_IDENTITY_UNUSABLE'
  readonly file: string
  readonly problem: string
  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, options)
    this.file = file
    this.problem = problem
  }
}

/** A file with a key cannot be read, or does not hold one. */
export class KeyFileError extends RollcallError {
  override readonly name = 'KeyFileError'
  readonly code = 'KEY_FILE_UNUSABLE'
  readonly file: string
  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file}: ${problem}`, options)
    this.file = file
  }
}

/** A certificate of the trust domain's authority that names no role of the trust domain. */
export class PeerIdentityError extends RollcallError {
  override readonly name = 'PeerIdentityError'
  readonly code = 'PEER_IDENTITY_REFUSED'
  readonly reason: PeerIdentityReason
  constructor(reason: PeerIdentityReason) {
    super(`peer identity refused: ${reason}`)
    this.reason = reason
  }
}

/** Why a peer's certificate says nothing to us. */
export type PeerIdentityReason = 'no-certificate' | 'no-spiffe-id' | 'foreign-trust-domain' | 'unknown-role'

/** Why a call to another service brought no answer. */
export type RpcErrorCode =
  | 'RPC_UNAVAILABLE'
  | 'RPC_DEADLINE'
  | 'RPC_DENIED'
  | 'RPC_UNAUTHENTICATED'
  | 'RPC_INVALID'
  | 'RPC_NOT_FOUND'
  | 'RPC_ALREADY_EXISTS'
  | 'RPC_PRECONDITION'
  | 'RPC_CONFLICT'
  | 'RPC_EXHAUSTED'
  | 'RPC_UNIMPLEMENTED'
  | 'RPC_CANCELLED'
  | 'RPC_INTERNAL'

/**
 * A call failed: thrown by `callUnary` at the client, and thrown by a handler at the server to answer with that code.
 * `detail` crosses the wire: a stable code or a sentence without identities and secrets.
 */
export class RpcError extends RollcallError {
  override readonly name = 'RpcError'
  readonly code: RpcErrorCode
  readonly detail: string
  constructor(code: RpcErrorCode, detail: string, options?: ErrorOptions) {
    super(`${code}: ${detail}`, options)
    this.code = code
    this.detail = detail
  }
}

/** An address to listen on is taken or not ours. */
export class ListenError extends RollcallError {
  override readonly name = 'ListenError'
  readonly code = 'LISTEN_FAILED'
  readonly address: string
  constructor(address: string, options?: ErrorOptions) {
    super(`cannot listen on ${address}`, options)
    this.address = address
  }
}

/** A batch of the SIP hop is no protobuf of its schema: the peer runs something else. */
export class HopMalformedError extends RollcallError {
  override readonly name = 'HopMalformedError'
  readonly code = 'HOP_MALFORMED'
  constructor(detail: string) {
    super(`malformed hop batch: ${detail}`)
  }
}

/** Why a request to another service over HTTPS brought no answer. */
export type HttpsErrorCode =
  /** Nobody could be reached: nothing was sent. */
  | 'HTTPS_UNREACHABLE'
  /** The connection broke with the request under way: it may have been carried out. */
  | 'HTTPS_BROKEN'
  | 'HTTPS_TIMEOUT'
  /** Too many wait for a connection. */
  | 'HTTPS_BUSY'
  | 'HTTPS_ANSWER_TOO_LARGE'
  | 'HTTPS_CANCELLED'

/** A request to another service over HTTPS brought no answer. */
export class HttpsError extends RollcallError {
  override readonly name = 'HttpsError'
  readonly code: HttpsErrorCode
  constructor(code: HttpsErrorCode, options?: ErrorOptions) {
    super(code, options)
    this.code = code
  }
}
