import {
  type handleUnaryCall,
  type Metadata,
  type ServerUnaryCall,
  type ServiceDefinition,
  type ServiceError,
  status as Status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { type Clock, RollcallError } from '@rollcall/core'
import type { Admission } from './admission.ts'
import { statusName, toStatus } from './grpc-status.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Role } from './roles.ts'
import type { CertifiedPeer } from './spiffe.ts'
import { failSpan, runInSpan, startSpan, traceparentOf } from './tracing.ts'

/** What a handler knows of its call besides the request. */
export interface RpcContext {
  readonly peer: CertifiedPeer
  /** Of the call's span; it is active, too. */
  readonly traceparent: string
  /** Milliseconds until the caller gives up; undefined when it waits for ever. */
  readonly remainingMs: number | undefined
  /** Aborts when the caller has gone. */
  readonly signal: AbortSignal
}

/** What a server lends to the services it carries. */
export interface GrpcHost {
  readonly role: Role
  readonly admission: Admission
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
}

/** A service that a gRPC server can carry: made by `createGrpcService` or `createHopService`. */
export interface GrpcService {
  readonly definition: ServiceDefinition
  implement(host: GrpcHost): UntypedServiceImplementation
  /** Finishes what is under way; resolves when nothing is, or when `signal` aborts. */
  drain?(signal: AbortSignal): Promise<void>
}

interface UnaryMethod<Req, Res> {
  readonly path: string
  readonly requestStream: false
  readonly responseStream: false
  readonly requestDeserialize: (octets: Buffer) => Req
  readonly responseSerialize: (message: Res) => Buffer
}

/** An async function a unary rpc, by the names of the generated definition. */
export type Handlers<D> = {
  readonly [M in keyof D]: D[M] extends UnaryMethod<infer Req, infer Res>
    ? (request: Req, context: RpcContext) => Promise<Res> | Res
    : never
}

/**
 * Makes a service of unary rpcs out of async functions. Before each the role table is asked; around each stands a span,
 * child of the caller's, and a duration. What a handler throws becomes a status by grpc-status.ts.
 */
export function createGrpcService<const D extends ServiceDefinition>(
  definition: D,
  handlers: Handlers<D>,
): GrpcService {
  return {
    definition,
    implement(host) {
      const implementation: UntypedServiceImplementation = {}
      for (const [name, { path }] of Object.entries(definition)) {
        const handler = (handlers as Readonly<Record<string, UntypedHandler>>)[name]
        if (handler) implementation[name] = wrap(host, path, handler)
      }
      return implementation
    },
  }
}

type UntypedHandler = (request: unknown, context: RpcContext) => unknown

function wrap(host: GrpcHost, path: string, handler: UntypedHandler): handleUnaryCall<unknown, unknown> {
  const rpc = path.slice(1)
  return (call, callback) => {
    const startMs = host.clock.monotonic()
    const span = startSpan(`rpc ${rpc}`, {
      kind: 'server',
      parent: traceparentIn(call.metadata),
      attributes: { 'rpc.system.name': 'grpc', 'rpc.method': rpc },
    })
    const finish = (code: Status, answer: () => void): void => {
      const name = statusName(code)
      const seconds = (host.clock.monotonic() - startMs) / 1000
      host.metrics.histogram('rollcall_rpc_server_duration_seconds', { rpc, code: name }).record(seconds)
      span.setAttribute('rpc.response.status_code', name)
      if (code !== Status.OK) failSpan(span, name)
      span.end()
      answer()
    }
    const fail = (error: unknown): void => {
      const { code, details, errorId } = toStatus(error)
      if (errorId !== undefined) {
        host.metrics.counter('rollcall_unhandled_total', { where: 'rpc' }).add()
        runInSpan(span, () => host.log.error({ err: error, rpc, errorId }, 'a handler failed'))
      } else if (error instanceof RollcallError) {
        host.log.debug({ rpc, code: error.code }, 'a handler refused')
      }
      finish(code, () => callback({ code, details }))
    }
    const peer = host.admission.admit(path, call)
    if ('refused' in peer) {
      finish(Status.PERMISSION_DENIED, () => callback(denial(peer.reason)))
      return
    }
    const context = new CallContext(call, peer, traceparentOf(span))
    runInSpan(span, async () => handler(call.request, context)).then(
      (response) => finish(Status.OK, () => callback(null, response)),
      fail,
    )
  }
}

/** What a refused caller is told: no more than that it may not. */
export function denial(reason: string): Pick<ServiceError, 'code' | 'details'> {
  return { code: Status.PERMISSION_DENIED, details: `refused: ${reason}` }
}

/** The caller's traceparent. */
function traceparentIn(metadata: Metadata): string | undefined {
  const [value] = metadata.get('traceparent')
  return typeof value === 'string' ? value : undefined
}

class CallContext implements RpcContext {
  readonly peer: CertifiedPeer
  readonly traceparent: string
  readonly #call: ServerUnaryCall<unknown, unknown>
  #controller: AbortController | undefined

  constructor(call: ServerUnaryCall<unknown, unknown>, peer: CertifiedPeer, traceparent: string) {
    this.#call = call
    this.peer = peer
    this.traceparent = traceparent
  }

  get remainingMs(): number | undefined {
    const deadline = this.#call.getDeadline()
    const atMs = deadline instanceof Date ? deadline.getTime() : deadline
    return Number.isFinite(atMs) ? Math.max(0, atMs - Date.now()) : undefined
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      const controller = new AbortController()
      this.#controller = controller
      if (this.#call.cancelled) controller.abort()
      else this.#call.once('cancelled', () => controller.abort())
    }
    return this.#controller.signal
  }
}
