import type { Impu } from '@rollcall/core'
import {
  type DeregisterRequest,
  type DeregisterResponse,
  DeregistrationKind,
  type ReauthenticateRequest,
  type ReauthenticateResponse,
} from '@rollcall/proto-gen/admin'
import { RpcError } from '@rollcall/runtime'
import type { Contact } from '../registrations/registration.ts'
import type { ContactsOutcome, NetworkEnd } from '../registrations/registrations.ts'
import type { ServedPartition } from '../replicas/served-partition.ts'

/** What a UE that is to come later is told to wait, when the operator does not say. */
const RETRY_AFTER_SECONDS_DEFAULT = 60
const RETRY_AFTER_SECONDS_MAX = 86_400
/** What is left of a contact that is to authenticate anew: its UE re-registers at half of it. */
const REAUTHENTICATE_SECONDS_DEFAULT = 60
const REAUTHENTICATE_SECONDS_MIN = 10
const REAUTHENTICATE_SECONDS_MAX = 600_000

/** What actions of the network need of a partition. */
export type ActionPartition = Pick<ServedPartition, 'registrations' | 'findByImpu'>

/**
 * Ends the contacts of a user, or of one private identity of it, as an operator asks.
 *
 * @throws RpcError
 * @see TS 24.229 clause 5.4.1.5
 */
export async function deregister(
  partition: ActionPartition,
  impu: Impu,
  request: DeregisterRequest,
): Promise<DeregisterResponse> {
  const reason = reasonOf(request.kind)
  const asked = request.retryAfterSeconds || RETRY_AFTER_SECONDS_DEFAULT
  const end: NetworkEnd = {
    isMeant: ofImpi(request.impi),
    reason,
    retryAfterSeconds: reason === 'probation' ? Math.min(asked, RETRY_AFTER_SECONDS_MAX) : 0,
    isOfHss: false,
  }
  const outcome = await partition.registrations.end(canonicalOf(partition, impu), end)
  return { contacts: countOf(outcome) }
}

/**
 * Shortens the contacts of a user, so that the UEs re-register and are challenged.
 *
 * @throws RpcError
 * @see TS 24.229 clause 5.4.1.6
 */
export async function reauthenticate(
  partition: ActionPartition,
  impu: Impu,
  request: ReauthenticateRequest,
  nowMs: number,
): Promise<ReauthenticateResponse> {
  const seconds = request.expiresSeconds || REAUTHENTICATE_SECONDS_DEFAULT
  if (seconds < REAUTHENTICATE_SECONDS_MIN || seconds > REAUTHENTICATE_SECONDS_MAX) {
    const bounds = `${REAUTHENTICATE_SECONDS_MIN} to ${REAUTHENTICATE_SECONDS_MAX}`
    throw new RpcError('RPC_INVALID', `expires_seconds must be 0 or ${bounds}`)
  }
  const { registrations } = partition
  const canonicalImpu = canonicalOf(partition, impu)
  const outcome = await registrations.shorten(canonicalImpu, ofImpi(request.impi), nowMs + seconds * 1_000)
  return { contacts: countOf(outcome) }
}

function canonicalOf(partition: ActionPartition, impu: Impu): Impu {
  const set = partition.findByImpu(impu)
  if (!set) throw new RpcError('RPC_NOT_FOUND', 'nobody is registered by this identity')
  return set.canonicalImpu
}

function ofImpi(impi: string): (contact: Contact) => boolean {
  return (contact) => impi === '' || contact.impi === impi
}

function reasonOf(kind: DeregistrationKind): NetworkEnd['reason'] {
  switch (kind) {
    case DeregistrationKind.DEREGISTRATION_KIND_PROBATION:
      return 'probation'
    case DeregistrationKind.DEREGISTRATION_KIND_REJECTED:
      return 'rejected'
    default:
      return 'deactivated'
  }
}

/** What could not be written is as it was as far as anybody may be told: the operator asks again. */
export function countOf(outcome: ContactsOutcome): number {
  if (outcome.kind === 'refused') throw new RpcError('RPC_UNAVAILABLE', outcome.reason)
  return outcome.contacts
}
