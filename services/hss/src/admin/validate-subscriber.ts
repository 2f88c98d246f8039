import { parseImpu } from '@rollcall/core'
import type { Subscriber } from '@rollcall/proto-gen/admin'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import type { PresencePolicy } from '@rollcall/proto-gen/sh'
import { SubscriberInvalidError } from '../errors.ts'
import type { NewSubscriber } from '../subscribers/subscriber.ts'
import { Problems } from './problems.ts'
import { validateFilterCriteria } from './validate-filter-criteria.ts'
import { validatePrivateIdentities } from './validate-private-identity.ts'

/** A name that is neither an IMPI nor an IMPU, so that one field can hold any of the three. */
export const SUBSCRIPTION_ID = /^[A-Za-z0-9._-]{1,64}$/

/** Identities in one implicit set, and names in one policy list: bounds of a record, not of a specification. */
const PUBLIC_IDENTITIES_MAX = 32
const POLICY_NAMES_MAX = 1_000

/**
 * Reads a subscriber as an operator gives it: everything in canonical form, defaults filled in.
 *
 * @throws SubscriberInvalidError with every problem.
 * @see TS 29.228 annex B.2 for the structure of the profile
 */
export function validateSubscriber(given: Subscriber | undefined, realm: string): NewSubscriber {
  if (!given) throw new SubscriberInvalidError(['subscriber: is missing'])
  const problems = new Problems()
  problems.require(
    SUBSCRIPTION_ID.test(given.subscriptionId),
    'subscription_id',
    'must be 1 to 64 letters, digits, dots, dashes or underscores',
  )
  const privateUsers = validatePrivateIdentities(given.privateIdentities, problems)
  const serviceProfile = validateProfile(given.serviceProfile, realm, problems)
  const presencePolicy = validatePolicy(given.presencePolicy, problems)
  if (problems.found.length > 0) throw new SubscriberInvalidError(problems.found)
  return { subscriptionId: given.subscriptionId, privateUsers, serviceProfile, presencePolicy }
}

/** Reads a service profile: identities in canonical form, the canonical one filled in. */
export function validateProfile(given: ServiceProfile | undefined, realm: string, problems: Problems): ServiceProfile {
  const path = 'service_profile'
  if (!given) {
    problems.add(path, 'is missing')
    return { publicIdentities: [], initialFilterCriteria: [], canonicalImpu: '' }
  }
  const publicIdentities = validatePublicIdentities(given, realm, problems)
  const canonicalImpu = publicIdentities.find(({ identity }) => identity.startsWith('sip:'))?.identity ?? ''
  problems.require(canonicalImpu !== '', `${path}.public_identities`, 'need a sip: identity')
  const asked = given.canonicalImpu
  problems.require(
    asked === '' || asked === canonicalImpu,
    `${path}.canonical_impu`,
    'must be empty or the first sip: identity of the set',
  )
  const initialFilterCriteria = validateFilterCriteria(given.initialFilterCriteria, problems)
  return { publicIdentities, initialFilterCriteria, canonicalImpu }
}

function validatePublicIdentities(
  given: ServiceProfile,
  realm: string,
  problems: Problems,
): ServiceProfile['publicIdentities'] {
  const path = 'service_profile.public_identities'
  const count = given.publicIdentities.length
  problems.require(count >= 1 && count <= PUBLIC_IDENTITIES_MAX, path, `must be 1 to ${PUBLIC_IDENTITIES_MAX}`)
  const checked: ServiceProfile['publicIdentities'] = []
  for (const [index, { identity, barringIndication }] of given.publicIdentities.entries()) {
    const at = `${path}[${index}]`
    const impu = problems.attempt(at, 'is no sip: or tel: URI of a user', () => parseImpu(identity))
    if (impu === undefined) continue
    const isOurs = impu.startsWith('tel:+') || (impu.startsWith('sip:') && impu.endsWith(`@${realm}`))
    problems.require(isOurs, at, `must be a global tel: number or a sip: URI of ${realm}`)
    problems.require(!checked.some((other) => other.identity === impu), at, 'is there twice')
    checked.push({ identity: impu, barringIndication })
  }
  problems.require(
    checked.some(({ barringIndication }) => !barringIndication),
    path,
    'need one that is not barred',
  )
  return checked
}

/** Reads a policy: identities in canonical form. */
export function validatePolicy(given: PresencePolicy | undefined, problems: Problems): PresencePolicy {
  // Nobody said who may watch: nobody may.
  if (!given) return { defaultAllow: false, allow: [], block: [] }
  return {
    defaultAllow: given.defaultAllow,
    allow: validateNames('presence_policy.allow', given.allow, problems),
    block: validateNames('presence_policy.block', given.block, problems),
  }
}

function validateNames(path: string, names: readonly string[], problems: Problems): string[] {
  problems.require(names.length <= POLICY_NAMES_MAX, path, `must be at most ${POLICY_NAMES_MAX}`)
  return names.flatMap((name, index) => {
    const impu = problems.attempt(`${path}[${index}]`, 'is no sip: or tel: URI of a user', () => parseImpu(name))
    return impu === undefined ? [] : [impu]
  })
}
