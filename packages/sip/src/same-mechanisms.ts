import { IPSEC_3GPP } from './ipsec-offer.ts'
import type { NewParams, Params } from './params.ts'
import { unquote } from './quoted-string.ts'
import type { SecurityMechanism } from './security-mechanism.ts'

/** Compared as numbers: leading zeros, and zeros behind the point, do not count. */
const NUMBERS = new Set(['spi-c', 'spi-s', 'port-c', 'port-s', 'q'])

/** What an `ipsec-3gpp` entry means where it says nothing (TS 33.203 annex H). */
const IPSEC_DEFAULTS: readonly (readonly [string, string])[] = [
  ['ealg', 'null'],
  ['prot', 'esp'],
  ['mod', 'trans'],
]

/**
 * Whether two lists say the same: the same mechanisms in the same order, each with the same parameters. Blanks, the
 * order of parameters, case, lines, and a default written or not make no difference, for UEs write anew what they
 * mirror; anything else does.
 *
 * @see RFC 3329 section 2.3.1; Choice: defaults and quotes, which the RFC leaves open
 */
export function sameMechanisms(a: readonly SecurityMechanism[], b: readonly SecurityMechanism[]): boolean {
  return a.length === b.length && a.every((mechanism, index) => isSame(mechanism, b[index]))
}

function isSame(a: SecurityMechanism, b: SecurityMechanism | undefined): boolean {
  if (b === undefined || a.name !== b.name) return false
  const first = meanings(a)
  const second = meanings(b)
  if (first.size !== second.size) return false
  for (const [name, value] of first) if (second.get(name) !== value) return false
  return true
}

/** Each parameter in one form for all its spellings. */
function meanings(mechanism: SecurityMechanism): Params {
  const found: NewParams = new Map(mechanism.name === IPSEC_3GPP ? IPSEC_DEFAULTS : [])
  for (const [name, value] of mechanism.params) found.set(name, value === true ? true : meaning(name, unquote(value)))
  return found
}

function meaning(name: string, value: string): string {
  return NUMBERS.has(name) && /^[0-9]{1,10}(?:\.[0-9]{0,10})?$/.test(value)
    ? String(Number(value))
    : value.toLowerCase()
}
