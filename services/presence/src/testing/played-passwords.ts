import { hash } from 'node:crypto'
import { type Impu, parseImpi, Secret } from '@rollcall/core'
import type { PasswordUser, WatcherPasswords } from '../digest/watcher-passwords.ts'

interface Known {
  readonly username: string
  readonly realm: string
  readonly password: string
  readonly impus: readonly Impu[]
}

/** An HSS that knows passwords. */
export class PlayedPasswords implements Pick<WatcherPasswords, 'find'> {
  readonly asked: string[] = []
  isAway = false
  readonly #known: readonly Known[]

  constructor(known: readonly Known[]) {
    this.#known = known
  }

  async find(username: string, realm: string): Promise<PasswordUser | 'unknown' | 'away'> {
    this.asked.push(`${username} in ${realm}`)
    if (this.isAway) return 'away'
    const user = this.#known.find((one) => one.username === username && one.realm === realm)
    if (!user) return 'unknown'
    const a1 = `${username}:${realm}:${user.password}`
    const ha1 = new Map([
      ['SHA-256', Secret.fromHex(hash('sha256', a1))],
      ['MD5', Secret.fromHex(hash('md5', a1))],
    ] as const)
    return { impi: parseImpi(username), impus: user.impus, ha1 }
  }
}

/** A challenge as a UE reads it. */
export interface ReadChallenge {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: string
  readonly isStale: boolean
}

/** What stands in one WWW-Authenticate. */
export function readChallenge(line: string): ReadChallenge {
  const of = (name: string): string => new RegExp(`\\b${name}="?([^",]*)`).exec(line)?.[1] ?? ''
  return { realm: of('realm'), nonce: of('nonce'), algorithm: of('algorithm'), isStale: of('stale') === 'true' }
}

/**
 * The Authorization of a UE for a SUBSCRIBE, written by the text of the RFC and not by our own codec.
 *
 * @see RFC 7616 section 3.4.1
 */
export function authorization(
  challenge: Pick<ReadChallenge, 'realm' | 'nonce' | 'algorithm'>,
  o: {
    readonly username: string
    readonly password: string
    readonly uri: string
    readonly nc?: string
    readonly method?: string
  },
): string {
  const { realm, nonce, algorithm } = challenge
  const { username, password, uri, nc = '00000001', method = 'SUBSCRIBE' } = o
  const h = (text: string): string => hash(algorithm === 'MD5' ? 'md5' : 'sha256', text)
  const response = h(`${h(`${username}:${realm}:${password}`)}:${nonce}:${nc}:0a4f113b:auth:${h(`${method}:${uri}`)}`)
  return (
    `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", ` +
    `algorithm=${algorithm}, cnonce="0a4f113b", qop=auth, nc=${nc}`
  )
}
