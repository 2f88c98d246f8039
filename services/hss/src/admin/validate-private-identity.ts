import { assertNever, parseImpi, Secret } from '@rollcall/core'
import { Algorithm, type PrivateIdentity } from '@rollcall/proto-gen/admin'
import type { NewPrivateUser } from '../subscribers/subscriber.ts'
import type { Problems } from './problems.ts'

/** Private identities of one subscription: a bound of the record. */
const PRIVATE_IDENTITIES_MAX = 16

/** Octets of K, of OPc and of AMF (TS 35.205 clause 3, TS 33.102 clause 6.3.2). */
const KEY_OCTETS = 16
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
  validateAlgorithm(given.algorithm, `${path}.algorithm`, problems)
  requireOctets(given.k, KEY_OCTETS, `${path}.k`, problems)
  requireOctets(given.opc, KEY_OCTETS, `${path}.opc`, problems)
  const amf = given.amf.length === 0 ? Buffer.alloc(AMF_OCTETS) : given.amf
  requireOctets(amf, AMF_OCTETS, `${path}.amf`, problems)
  problems.require(((amf[0] ?? 0) & AMF_SEPARATION_BIT) === 0, `${path}.amf`, 'must have the separation bit 0 for IMS')
  problems.require(given.sqn <= SQN_MAX, `${path}.sqn`, 'must have at most 48 bits')
  if (impi === undefined) return undefined
  return {
    impi,
    k: new Secret(given.k),
    opc: new Secret(given.opc),
    amf: Buffer.from(amf),
    initialSqn: given.sqn === 0n ? INITIAL_SQN : given.sqn,
  }
}

function requireOctets(value: Buffer, octets: number, path: string, problems: Problems): void {
  problems.require(value.length === octets, path, `must be ${octets} octets, came with ${value.length}`)
}

function validateAlgorithm(algorithm: Algorithm, path: string, problems: Problems): void {
  switch (algorithm) {
    case Algorithm.ALGORITHM_MILENAGE:
      return
    case Algorithm.ALGORITHM_TUAK:
      problems.add(path, 'TUAK is not supported by this HSS yet; use MILENAGE')
      return
    case Algorithm.ALGORITHM_UNSPECIFIED:
    case Algorithm.UNRECOGNIZED:
      problems.add(path, 'must be MILENAGE')
      return
    default:
      assertNever(algorithm)
  }
}
