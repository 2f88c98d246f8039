import { Secret } from '@rollcall/core'
import { formatAuth, parseAuth, type SipHeaders, SipSyntaxError } from '@rollcall/sip'

/** What the S-CSCF hands to the P-CSCF with a challenge, and the UE must never see. */
export interface ChallengeKeys {
  readonly ck: Secret
  readonly ik: Secret
  readonly nonce: string
}

/** 128 bits (TS 24.229 clause 7.2A.1). */
const KEY_PATTERN = /^[0-9a-fA-F]{32}$/

/**
 * Takes `ck` and `ik` out of every challenge of a response, and returns those of the first AKA challenge. Undefined when
 * there is no challenge with both keys whole; a challenge that cannot be read is removed, since nobody can say what it
 * holds.
 *
 * @see TS 24.229 clauses 5.2.2.2 and 7.2A.1; a UE that sees them may keep silent (open5gs/open5gs#491)
 */
export function takeChallengeKeys(headers: SipHeaders): ChallengeKeys | undefined {
  let keys: ChallengeKeys | undefined
  for (const name of ['WWW-Authenticate', 'Proxy-Authenticate']) {
    const lines = headers.getAll(name)
    if (lines.length === 0) continue
    const kept: string[] = []
    for (const line of lines) {
      const taken = takeFrom(line, name)
      if (!taken) continue
      kept.push(taken.line)
      keys ??= taken.keys
    }
    headers.setAll(name, kept)
  }
  return keys
}

function takeFrom(line: string, name: string): { line: string; keys: ChallengeKeys | undefined } | undefined {
  try {
    const auth = parseAuth(line, name)
    const params = new Map(auth.params)
    const ck = params.get('ck')?.value
    const ik = params.get('ik')?.value
    params.delete('ck')
    params.delete('ik')
    if (params.size === 0) return undefined
    return { line: formatAuth({ scheme: auth.scheme, params }), keys: keysOf(ck, ik, params.get('nonce')?.value) }
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}

function keysOf(ck: string | undefined, ik: string | undefined, nonce: string | undefined): ChallengeKeys | undefined {
  if (ck === undefined || ik === undefined || !nonce) return undefined
  if (!KEY_PATTERN.test(ck) || !KEY_PATTERN.test(ik)) return undefined
  return { ck: Secret.fromHex(ck), ik: Secret.fromHex(ik), nonce }
}
