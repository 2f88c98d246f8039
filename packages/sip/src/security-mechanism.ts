import { tokenEnd } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { formatParams, type Params, parseParams } from './params.ts'
import { splitListInto } from './split-list.ts'

/** One entry of Security-Client, Security-Server or Security-Verify. */
export interface SecurityMechanism {
  /** In lower case: `ipsec-3gpp`, `tls`, `digest`. */
  readonly name: string
  /** Names in lower case, values as they came. */
  readonly params: Params
}

/** Named in errors: the three header fields have one grammar. */
const HEADER = 'sec-mechanism'

/**
 * Reads all entries of all lines, in their order.
 *
 * @throws SipSyntaxError also for lines that are there but hold no entry.
 * @see RFC 3329 section 2.2
 */
export function parseSecurityMechanisms(lines: readonly string[]): SecurityMechanism[] {
  const elements: string[] = []
  for (const line of lines) {
    const before = elements.length
    splitListInto(elements, HEADER, line)
    if (elements.length === before) throw new SipSyntaxError(HEADER, 'has an empty line')
  }
  return elements.map(parseMechanism)
}

function parseMechanism(text: string): SecurityMechanism {
  const nameEnd = tokenEnd(text, 0)
  if (nameEnd === 0) throw new SipSyntaxError(HEADER, 'has no mechanism-name')
  return { name: text.slice(0, nameEnd).toLowerCase(), params: parseParams(text, nameEnd, HEADER) }
}

export function formatSecurityMechanism(mechanism: SecurityMechanism): string {
  return mechanism.name + formatParams(mechanism.params)
}

/** Whether an entry is about the media plane: it takes no part in the choice of SAs (TS 24.229 clause 7.2A.7). */
export function isMediaSecurity(mechanism: SecurityMechanism): boolean {
  return mechanism.params.has('mediasec')
}
