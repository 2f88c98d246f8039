import {
  type CallOptions,
  type ChannelCredentials,
  type Client,
  type ClientOptions,
  type ClientUnaryCall,
  InterceptingCall,
  type Interceptor,
  Metadata,
  type ServiceError,
  status as Status,
} from '@grpc/grpc-js'
import { CLIENT_OPTIONS } from './grpc-limits.ts'
import { statusName, toRpcError } from './grpc-status.ts'
import type { Metrics } from './metrics.ts'
import type { Role } from './roles.ts'
import type { TlsIdentity } from './tls-identity.ts'
import { activeTraceparent, failSpan, startSpan, traceparentOf } from './tracing.ts'

/** A caller that says nothing waits this long. */
const DEADLINE_MS = 5_000

/** A generated client class. */
type ClientClass<C extends Client> = new (
  address: string,
  credentials: ChannelCredentials,
  options?: Partial<ClientOptions>,
) => C

/**
 * Makes a client of a generated class. It connects, when it is first used, to nobody but a server whose certificate
 * names `role`; each unary call is a span and a duration, and carries its trace in the metadata. Close it with `close()`.
 */
export function createGrpcClient<C extends Client>(
  Class: ClientClass<C>,
  o: { readonly target: string; readonly role: Role; readonly identity: TlsIdentity; readonly metrics?: Metrics },
): C {
  return new Class(o.target, o.identity.channelCredentials(o.role), {
    ...CLIENT_OPTIONS,
    // TLS wants a name that is no address; who is there is decided by the URI in the certificate.
    'grpc.ssl_target_name_override': `${o.role}.${o.identity.trustDomain}`,
    interceptors: [tracingInterceptor(o.role, o.metrics)],
  })
}

/** A unary method of a generated client, bound to it: `client.userData.bind(client)`. */
type UnaryMethod<Req, Res> = (
  request: Req,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Res) => void,
) => ClientUnaryCall

/** What a caller may say of a call. */
export interface CallUnaryOptions {
  readonly deadlineMs?: number
  /** Traceparent of the span above; without it the active one. */
  readonly parent?: string
  readonly signal?: AbortSignal
}

/**
 * Calls a unary method: `await callUnary(client.userData.bind(client), { impu })`.
 *
 * @throws RpcError
 */
export function callUnary<Req, Res>(
  method: UnaryMethod<Req, Res>,
  request: Req,
  o: CallUnaryOptions = {},
): Promise<Res> {
  return new Promise((resolve, reject) => {
    const metadata = new Metadata()
    const parent = o.parent ?? activeTraceparent()
    if (parent) metadata.set('traceparent', parent)
    const options = { deadline: Date.now() + (o.deadlineMs ?? DEADLINE_MS) }
    const call = method(request, metadata, options, (error, response) => {
      o.signal?.removeEventListener('abort', cancel)
      if (error) reject(toRpcError(error, o.signal?.aborted ?? false))
      else resolve(response)
    })
    const cancel = (): void => call.cancel()
    if (o.signal?.aborted) cancel()
    else o.signal?.addEventListener('abort', cancel, { once: true })
  })
}

function tracingInterceptor(role: Role, metrics: Metrics | undefined): Interceptor {
  return (options, nextCall) => {
    const { path, requestStream, responseStream } = options.method_definition
    const call = nextCall(options)
    // A stream's span would cover its whole life and show none of its messages.
    if (requestStream || responseStream) return new InterceptingCall(call)
    const rpc = path.slice(1)
    return new InterceptingCall(call, {
      start(metadata, _listener, next) {
        const startMs = performance.now()
        const [parent] = metadata.get('traceparent')
        const span = startSpan(`rpc ${rpc}`, {
          kind: 'client',
          parent: typeof parent === 'string' ? parent : undefined,
          attributes: { 'rpc.system.name': 'grpc', 'rpc.method': rpc, 'rollcall.peer.role': role },
        })
        const traceparent = traceparentOf(span)
        if (traceparent) metadata.set('traceparent', traceparent)
        // No more than this: with all three methods it would be taken for the inner listener, whose methods have no next.
        next(metadata, {
          onReceiveStatus(status, proceed) {
            const code = statusName(status.code)
            metrics
              ?.histogram('rollcall_rpc_client_duration_seconds', { rpc, code })
              .record((performance.now() - startMs) / 1000)
            span.setAttribute('rpc.response.status_code', code)
            if (status.code !== Status.OK) failSpan(span, code)
            span.end()
            proceed(status)
          },
        })
      },
    })
  }
}
