import type { SecuritySuite } from '@rollcall/ue'
import { UsageError } from '../errors.ts'

/** Pairs of algorithms by their names on the command line, which are those of TS 33.203 annex H. */
const PAIRS: Readonly<Record<string, SecuritySuite>> = {
  'hmac-sha-1-96/aes-cbc': { alg: 'hmac-sha-1-96', ealg: 'aes-cbc' },
  'hmac-sha-1-96/null': { alg: 'hmac-sha-1-96', ealg: 'null' },
  'hmac-sha-1-96/des-ede3-cbc': { alg: 'hmac-sha-1-96', ealg: 'des-ede3-cbc' },
  'hmac-md5-96/aes-cbc': { alg: 'hmac-md5-96', ealg: 'aes-cbc' },
  'hmac-md5-96/null': { alg: 'hmac-md5-96', ealg: 'null' },
  'hmac-md5-96/des-ede3-cbc': { alg: 'hmac-md5-96', ealg: 'des-ede3-cbc' },
  'null/aes-gcm': { alg: 'null', ealg: 'aes-gcm' },
  'aes-gmac/null': { alg: 'aes-gmac', ealg: 'null' },
}

/** What was asked for, in its order; nothing when nothing was. @throws UsageError */
export function suitesOf(names: readonly string[]): readonly SecuritySuite[] | undefined {
  const suites = names.map((name) => {
    const suite = PAIRS[name]
    if (!suite) throw new UsageError(`--esp-pair must be ${Object.keys(PAIRS).join(' or ')}, not '${name}'`)
    return suite
  })
  return suites.length === 0 ? undefined : suites
}
