import type {
  PresenceReplicaServiceClient,
  XcapRequest as WireRequest,
  XcapResponse as WireResponse,
} from '@rollcall/proto-gen/presence'
import { callUnary, RpcError } from '@rollcall/runtime'
import type { ReplicaClients } from '../replica-clients.ts'
import { refusal } from './answers.ts'
import type { XcapAnswer, XcapMessage } from './xcap-message.ts'

/** Longer than an owner takes for a change. */
const FORWARD_MS_MAX = 9_000

/** Sends a request to another replica, once; one that does not answer is away: 503. */
export async function forwardXcap(
  replicas: ReplicaClients<PresenceReplicaServiceClient>,
  target: string,
  message: XcapMessage,
): Promise<XcapAnswer> {
  const client = replicas.of(target)
  const { traceparent: parent } = message
  try {
    return fromWire(await callUnary(client.xcap.bind(client), toWire(message), { deadlineMs: FORWARD_MS_MAX, parent }))
  } catch (error) {
    if (error instanceof RpcError) return refusal(503)
    throw error
  }
}

/** What another replica forwarded here. */
export function forwardedMessage(wire: WireRequest, traceparent: string): XcapMessage {
  const { method, target, identities, body } = wire
  return {
    method,
    target,
    identities,
    contentType: wire.contentType || undefined,
    ifMatch: wire.ifMatch || undefined,
    ifNoneMatch: wire.ifNoneMatch || undefined,
    body,
    traceparent,
  }
}

/** The answer to what was forwarded here. */
export function answerToWire({ status, headers, body }: XcapAnswer): WireResponse {
  return { status, headers: Object.entries(headers).map(([name, value]) => ({ name, value })), body }
}

function toWire({ method, target, identities, contentType, ifMatch, ifNoneMatch, body }: XcapMessage): WireRequest {
  return {
    method,
    target,
    identities: [...identities],
    contentType: contentType ?? '',
    ifMatch: ifMatch ?? '',
    ifNoneMatch: ifNoneMatch ?? '',
    body,
  }
}

function fromWire({ status, headers, body }: WireResponse): XcapAnswer {
  return { status, headers: Object.fromEntries(headers.map(({ name, value }) => [name, value])), body }
}
