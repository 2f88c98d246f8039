import type { AkaKeys } from '@rollcall/aka'
import { assertNever, parseImpi, Secret } from '@rollcall/core'
import { Algorithm, type PrivateIdentity } from '@rollcall/proto-gen/admin'
import type { NewPrivateUser } from '../subscribers/subscriber.ts'
import type { Problems } from './problems.ts'

/** Private identities of one subscription: a bound of the record. */
const PRIVATE_IDENTITIES_MAX = 16

/** Octets of K and of OPc for Milenage, of K and of TOPc for TUAK (TS 35.205 clause 3, TS 35.231 clause 5). */
const MILENAGE_OCTETS = { k: [16], constant: 16 }
const TUAK_OCTETS = { k: [16, 32], constant: 32 }
/** TS 33.102 clause 6.3.2. */
const AMF_OCTETS = 2

/** SQN has 48 bits (TS 33.102 clause 6.3.2). */
const SQN_MAX = 2n ** 48n - 1n

/** The first SQN when none is given: SEQ 1, IND 0. */
const INITIAL_SQN = 32n

/** The separation bit is for EPS and 5GS; a vector for IMS has it 0 (TS 33.102 annex H). */
const AMF_SEPARATION_BIT = 0x80

/** Checks the private identities; those without a problem come back. */
export function validatePrivateIdentities(given: readonly PrivateIdentity[], problems: Problems): NewPrivateUser[] {
  problems.require(
    given.length >= 1 && given.length <= PRIVATE_IDENTITIES_MAX,
    'private_identities',
    `must be 1 to ${PRIVATE_IDENTITIES_MAX}`,
  )
  const users: NewPrivateUser[] = []
  for (const [index, identity] of given.entries()) {
    const path = `private_identities[${index}]`
    const user = validatePrivateIdentity(identity, path, problems)
    problems.require(!user || users.every(({ impi }) => impi !== user.impi), `${path}.impi`, 'is there twice')
    if (user) users.push(user)
  }
  return users
}

function validatePrivateIdentity(given: PrivateIdentity, path: string, problems: Problems): NewPrivateUser | undefined {
  const impi = problems.attempt(`${path}.impi`, 'must be user@realm without a scheme', () => parseImpi(given.impi))
  const keys = validateKeys(given, path, problems)
  const amf = given.amf.length === 0 ? Buffer.alloc(AMF_OCTETS) : given.amf
  requireOctets(amf, [AMF_OCTETS], `${path}.amf`, problems)
  problems.require(((amf[0] ?? 0) & AMF_SEPARATION_BIT) === 0, `${path}.amf`, 'must have the separation bit 0 for IMS')
  problems.require(given.sqn <= SQN_MAX, `${path}.sqn`, 'must have at most 48 bits')
  if (impi === undefined || keys === undefined) return undefined
  return {
    impi,
    ...keys,
    amf: Buffer.from(amf),
    initialSqn: given.sqn === 0n ? INITIAL_SQN : given.sqn,
  }
}

function requireOctets(value: Buffer, octets: readonly number[], path: string, problems: Problems): void {
  const allowed = octets.join(' or ')
  problems.require(octets.includes(value.length), path, `must be ${allowed} octets, came with ${value.length}`)
}

/** K and the constant of the algorithm; that of the other algorithm must not be there. */
function validateKeys(given: PrivateIdentity, path: string, problems: Problems): AkaKeys | undefined {
  switch (given.algorithm) {
    case Algorithm.ALGORITHM_MILENAGE:
      requireOctets(given.k, MILENAGE_OCTETS.k, `${path}.k`, problems)
      requireOctets(given.opc, [MILENAGE_OCTETS.constant], `${path}.opc`, problems)
      problems.require(given.topc.length === 0, `${path}.topc`, 'is for TUAK alone')
      return { k: new Secret(given.k), opc: new Secret(given.opc) }
    case Algorithm.ALGORITHM_TUAK:
      requireOctets(given.k, TUAK_OCTETS.k, `${path}.k`, problems)
      requireOctets(given.topc, [TUAK_OCTETS.constant], `${path}.topc`, problems)
      problems.require(given.opc.length === 0, `${path}.opc`, 'is for MILENAGE alone')
      return { k: new Secret(given.k), topc: new Secret(given.topc) }
    case Algorithm.ALGORITHM_UNSPECIFIED:
    case Algorithm.UNRECOGNIZED:
      problems.add(`${path}.algorithm`, 'must be MILENAGE or TUAK')
      return undefined
    default:
      return assertNever(given.algorithm)
  }
}
