import {
  CxCallbackServiceClient,
  CxCallbackServiceService,
  CxResult,
  DeregistrationReason,
  type PushProfileRequest,
  type PushProfileResponse,
  type RegistrationTerminationRequest,
  type RegistrationTerminationResponse,
  type ServiceProfile,
} from '@rollcall/proto-gen/cx'
import {
  callUnary,
  createGrpcClient,
  createGrpcService,
  type GrpcService,
  type RpcContext,
  RpcError,
  type Runtime,
} from '@rollcall/runtime'
import { type ActionPartition, countOf } from '../admin/network-actions.ts'
import type { Contact } from '../registrations/registration.ts'
import type { NetworkEnd } from '../registrations/registrations.ts'
import type { OwnerCalls } from '../replicas/owner-calls.ts'

/**
 * What each reason of RTR does to contacts. Choice: after a permanent termination the UE does not register again by
 * itself, for there is nothing to register any more.
 *
 * @see TS 29.229 clause 6.3.17, TS 29.228 clause 6.1.3, TS 24.229 clause 5.4.1.5
 */
const END_OF = {
  [DeregistrationReason.DEREGISTRATION_REASON_PERMANENT_TERMINATION]: 'rejected',
  [DeregistrationReason.DEREGISTRATION_REASON_NEW_SERVER_ASSIGNED]: 'moved',
  [DeregistrationReason.DEREGISTRATION_REASON_SERVER_CHANGE]: 'deactivated',
  [DeregistrationReason.DEREGISTRATION_REASON_REMOVE_SCSCF]: 'deactivated',
} as const satisfies Record<number, NetworkEnd['reason']>

/** The side of Cx on which the HSS asks. Any replica is asked; the one that owns the user answers. */
export class CxCallback {
  readonly service: GrpcService
  readonly #runtime: Pick<Runtime, 'identity' | 'metrics'>
  readonly #ownerCalls: OwnerCalls

  constructor(o: { readonly runtime: Pick<Runtime, 'identity' | 'metrics'>; readonly ownerCalls: OwnerCalls }) {
    this.#runtime = o.runtime
    this.#ownerCalls = o.ownerCalls
    this.service = createGrpcService(CxCallbackServiceService, {
      registrationTermination: (request, context) => this.#terminate(request, context),
      pushProfile: (request, context) => this.#pushProfile(request, context),
    })
  }

  async #terminate(
    request: RegistrationTerminationRequest,
    context: RpcContext,
  ): Promise<RegistrationTerminationResponse> {
    return await this.#ownerCalls.call({
      ...callOf(request.canonicalImpu, request, context),
      here: (partition) => terminate(partition, request),
      forward: (target, deadlineMs) => {
        return this.#ask(target, (client) => {
          const forwarded = { ...request, forwarded: true }
          return callUnary(client.registrationTermination.bind(client), forwarded, optionsOf(context, deadlineMs))
        })
      },
    })
  }

  async #pushProfile(request: PushProfileRequest, context: RpcContext): Promise<PushProfileResponse> {
    const { profile } = request
    if (!profile) throw new RpcError('RPC_INVALID', 'no profile')
    return await this.#ownerCalls.call({
      ...callOf(profile.canonicalImpu, request, context),
      here: (partition) => pushProfile(partition, profile),
      forward: (target, deadlineMs) => {
        return this.#ask(target, (client) => {
          const forwarded = { ...request, forwarded: true }
          return callUnary(client.pushProfile.bind(client), forwarded, optionsOf(context, deadlineMs))
        })
      },
    })
  }

  async #ask<T>(target: string, ask: (client: CxCallbackServiceClient) => Promise<T>): Promise<T> {
    const { identity, metrics } = this.#runtime
    const client = createGrpcClient(CxCallbackServiceClient, { target, role: 'scscf', identity, metrics })
    try {
      return await ask(client)
    } finally {
      client.close()
    }
  }
}

/** RTR/RTA: an IMPU of it stands for its whole implicit set (TS 29.228 clause 6.5.2.2). @throws RpcError */
export async function terminate(
  partition: ActionPartition,
  request: RegistrationTerminationRequest,
): Promise<RegistrationTerminationResponse> {
  const { canonicalImpu, impi, associatedImpis, impus, reason } = request
  if (!isKnownReason(reason)) return { result: CxResult.CX_RESULT_UNABLE_TO_COMPLY, contacts: 0 }
  const named = [canonicalImpu, ...impus]
  const set = named.map((text) => partition.findByImpu(text as Contact['registeredImpu'])).find(Boolean)
  if (!set) return { result: CxResult.CX_RESULT_SUCCESS, contacts: 0 }
  const impis = new Set([impi, ...associatedImpis])
  const outcome = await partition.registrations.end(set.canonicalImpu, {
    isMeant: (contact) => impi === '' || impis.has(contact.impi),
    reason: END_OF[reason],
    retryAfterSeconds: 0,
    isOfHss: true,
  })
  return { result: CxResult.CX_RESULT_SUCCESS, contacts: countOf(outcome) }
}

/** PPR/PPA (TS 29.228 clause 6.2.2). @throws RpcError */
export async function pushProfile(partition: ActionPartition, profile: ServiceProfile): Promise<PushProfileResponse> {
  const outcome = await partition.registrations.replaceProfile(profile)
  if (outcome !== 'stored') throw new RpcError('RPC_UNAVAILABLE', outcome)
  return { result: CxResult.CX_RESULT_SUCCESS }
}

function isKnownReason(reason: DeregistrationReason): reason is keyof typeof END_OF {
  return reason in END_OF
}

function callOf(impu: string, { forwarded }: { readonly forwarded: boolean }, { peer, remainingMs }: RpcContext) {
  return { impu, from: peer.role, isForwarded: forwarded, remainingMs }
}

function optionsOf({ traceparent }: RpcContext, deadlineMs: number) {
  return { deadlineMs, parent: traceparent }
}
