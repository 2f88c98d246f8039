import {
  type ClientDuplexStream,
  type ClientOptions,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
  status as Status,
} from '@grpc/grpc-js'
import { SipHopServiceService } from '@rollcall/proto-gen/hop'
import { CLIENT_OPTIONS } from '../grpc-limits.ts'
import { statusName } from '../grpc-status.ts'
import type { Role } from '../roles.ts'
import type { TlsIdentity } from '../tls-identity.ts'

/** Batches cross gRPC as octets: codec.ts writes and reads them. */
const asIs = (octets: Buffer): Buffer => octets

/** The rpc of the proto, with octets for messages. */
export const HOP_DEFINITION = {
  exchange: {
    path: SipHopServiceService.exchange.path,
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
} as const

/** A stream of batches towards a peer, as the link sees it: a fake one in tests. */
export interface OutStream {
  /** Says whether it wants more now; if not, `onDrain` comes when the batch has gone to the connection. */
  write(batch: Buffer): boolean
  /** Says that nothing more comes from here; the peer finishes and ends it. */
  end(): void
  /** Cuts it. `onEnd` does not come any more. */
  cancel(): void
}

export interface OutStreamHandlers {
  /** The peer has let us in. */
  onOpen(): void
  onBatch(batch: Buffer): void
  onDrain(): void
  /** It is over, once: `code` is a gRPC status by name, OK when the peer ended it in peace. */
  onEnd(code: string): void
}

/** Opens streams to one target. */
export interface StreamOpener {
  open(handlers: OutStreamHandlers): OutStream
  close(): void
}

const HopClient = makeGenericClientConstructor(HOP_DEFINITION, 'rollcall.hop.v1.SipHopService')

/** Opens gRPC streams to a peer whose certificate names `role`. */
export function createStreamOpener(o: { target: string; role: Role; identity: TlsIdentity }): StreamOpener {
  const options: Partial<ClientOptions> = {
    ...CLIENT_OPTIONS,
    'grpc.ssl_target_name_override': `${o.role}.${o.identity.trustDomain}`,
  }
  const client = new HopClient(o.target, o.identity.channelCredentials(o.role), options)
  const path = HOP_DEFINITION.exchange.path
  return {
    open: (handlers) => wrap(client.makeBidiStreamRequest(path, asIs, asIs, new Metadata()), handlers),
    close: () => client.close(),
  }
}

function wrap(call: ClientDuplexStream<Buffer, Buffer>, handlers: OutStreamHandlers): OutStream {
  let isOver = false
  let unwritten = 0
  const written = (): void => {
    unwritten -= 1
    if (unwritten === 0 && !isOver) handlers.onDrain()
  }
  const finish = (code: string): void => {
    if (isOver) return
    isOver = true
    handlers.onEnd(code)
  }
  // The server sends its headers as soon as it has let us in; before that nothing is written.
  call.on('metadata', () => {
    if (!isOver) handlers.onOpen()
  })
  call.on('data', (batch: Buffer) => {
    if (!isOver) handlers.onBatch(batch)
  })
  call.on('error', (error: ServiceError) => finish(statusName(error.code ?? Status.UNKNOWN)))
  call.on('status', ({ code }: { code: Status }) => finish(statusName(code)))
  return {
    // One batch at a time: what gRPC would queue beyond that left in name only, and could not be withdrawn any more.
    write(batch) {
      if (isOver) return false
      unwritten += 1
      call.write(batch, written)
      return false
    },
    end() {
      if (!isOver) call.end()
    },
    cancel() {
      isOver = true
      call.cancel()
    },
  }
}
