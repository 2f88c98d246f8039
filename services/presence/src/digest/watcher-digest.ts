import { type Clock, type Impu, type Random, Secret } from '@rollcall/core'
import {
  type Credentials,
  checkProof,
  type DigestAlgorithm,
  formatChallenge,
  HASH_OCTETS,
  NonceKeeper,
  type ProofOutcome as ProofCheck,
  parseCredentials,
  parseDigestAlgorithm,
} from '@rollcall/digest'
import type { SipHeaders } from '@rollcall/sip'
import type { Answer } from '../actor/decision.ts'
import type { WatcherProof } from '../actor/state.ts'
import { ProofAttempts } from './proof-attempts.ts'
import type { WatcherPasswords } from './watcher-passwords.ts'

/** `Choice:` a watcher refreshes rarely, so that a nonce seldom serves twice. */
const NONCE_LIFETIME_MS = 300_000
/** Nonces whose counts are remembered; beyond it the oldest are stale before their time. */
const NONCES_MAX = 65_536

/** Why proofs are not taken. */
export type ProofRefusal =
  /** The nonce is not of use any more, or not of this replica. */
  | 'proof-stale'
  /** This very count of the nonce was used before. */
  | 'proof-replayed'
  | 'proof-wrong'
  /** Too many were wrong. */
  | 'proof-attempts'
  /** Nobody can say whether it is right. */
  | 'hss-away'

export type ProofOutcome =
  | { readonly kind: 'proved'; readonly impus: readonly Impu[]; readonly proof: WatcherProof }
  | { readonly kind: 'refused'; readonly reason: ProofRefusal }

/** What a watcher's credentials are checked against. */
export interface ProofQuestion {
  readonly credentials: Credentials
  /** From where they came: wrong ones count by it. */
  readonly source: string
  /** Whom the network asserts; then the password must be his. */
  readonly asserted: readonly Impu[]
  /** The credentials' `uri` names what the request is for (RFC 3261 section 22.4). */
  readonly isAbout: boolean
}

/** What the HSS said of the user of credentials. */
export type Found = Awaited<ReturnType<WatcherPasswords['find']>>

/**
 * Watchers who prove themselves to this server, by SIP Digest with a password for the home domain. A user who is unknown,
 * or has no password, hears what one hears whose password is wrong, and as late.
 *
 * @see RFC 3261 section 22.2; RFC 8760; RFC 3856 section 6.6.1; TS 33.141 clause 5.1.4
 */
export class WatcherDigest {
  readonly #realm: string
  readonly #nonces: NonceKeeper
  readonly #passwords: Pick<WatcherPasswords, 'find'>
  readonly #attempts: ProofAttempts
  /** In the place of what an unknown user's password would give. */
  readonly #nobodys: ReadonlyMap<DigestAlgorithm, Secret>

  constructor(o: {
    readonly realm: string
    /** What is asked for, the best first (RFC 8760 section 2.3). */
    readonly algorithms: readonly DigestAlgorithm[]
    readonly clock: Clock
    readonly random: Random
    readonly passwords: Pick<WatcherPasswords, 'find'>
  }) {
    const { realm, clock, random } = o
    this.#realm = realm
    this.#passwords = o.passwords
    this.#nonces = new NonceKeeper({ clock, random, lifetimeMs: NONCE_LIFETIME_MS, nonceCountMax: NONCES_MAX })
    this.#attempts = new ProofAttempts(clock)
    this.#nobodys = new Map(o.algorithms.map((name) => [name, new Secret(random.bytes(HASH_OCTETS[name]))]))
  }

  /** Header fields that ask a watcher who he is. */
  challenge(isStale: boolean): Answer['headers'] {
    const nonce = this.#nonces.issue(this.#realm)
    return [...this.#nobodys.keys()].map((algorithm) => {
      const challenge = { realm: this.#realm, nonce, algorithm, qop: ['auth'], isStale } as const
      return ['WWW-Authenticate', formatChallenge(challenge)] as const
    })
  }

  /**
   * The credentials for our realm, if there are any; those for another are for somebody else (RFC 3261 section 22.1).
   *
   * @throws MalformedDigestError
   */
  read(headers: SipHeaders): Credentials | undefined {
    for (const line of headers.getAll('Authorization')) {
      const credentials = parseCredentials(line)
      // guard: proof-realm — a password for another realm proves nothing here
      if (credentials?.realm === this.#realm) return credentials
    }
    return undefined
  }

  /** What can be said without the password; undefined: it takes that. */
  refusalOf({ credentials, source }: Pick<ProofQuestion, 'credentials' | 'source'>): ProofRefusal | undefined {
    // guard: proof-attempts — who keeps guessing is not told any more whether he guessed right
    if (!this.#attempts.has(source, credentials.username)) return 'proof-attempts'
    // Nobody asks the HSS for a nonce that is good for nothing.
    return this.#nonces.isGood(credentials.nonce, this.#realm) ? undefined : 'proof-stale'
  }

  /** Asks the HSS for the password. */
  async find({ username }: Credentials, parent: string): Promise<Found> {
    return await this.#passwords.find(username, this.#realm, parent)
  }

  /** Checks a proof of a SUBSCRIBE, and takes its count. */
  check(question: ProofQuestion, found: Found): ProofOutcome {
    const refusal = this.refusalOf(question)
    if (refusal) return { kind: 'refused', reason: refusal }
    if (found === 'away') return { kind: 'refused', reason: 'hss-away' }
    const { credentials, asserted, source, isAbout } = question
    const algorithm = parseDigestAlgorithm(credentials.algorithm)
    const nobodys = algorithm && this.#nobodys.get(algorithm)
    const user = found !== 'unknown' && isSame(found.impus, asserted) ? found : undefined
    // guard: proof-offered — what was not offered is not taken, or a weaker hash could be had for the asking
    const ha1 = nobodys && algorithm && user?.ha1.get(algorithm)
    const outcome = this.#check(credentials, algorithm, ha1 ?? nobodys)
    // guard: proof-wrong — who does not know the password is not let in by its user's name
    if (outcome.kind === 'wrong' || !isAbout || !user || !algorithm || !ha1) {
      this.#attempts.noteWrong(source, credentials.username)
      return { kind: 'refused', reason: 'proof-wrong' }
    }
    // guard: proof-again — a right proof that came before is a copy (RFC 7616 section 3.4.5)
    if (outcome.kind !== 'right') return { kind: 'refused', reason: `proof-${outcome.kind}` }
    return { kind: 'proved', impus: user.impus, proof: { impi: user.impi, algorithm } }
  }

  #check(credentials: Credentials, algorithm: DigestAlgorithm | undefined, ha1: Secret | undefined): ProofCheck {
    if (!algorithm || !ha1) return { kind: 'wrong', reason: 'algorithm' }
    const [nonces, scope] = [this.#nonces, this.#realm]
    return checkProof({ credentials, method: 'SUBSCRIBE', ha1, algorithm, qop: ['auth'], nonces, scope })
  }
}

/** Whom the network asserts to be somebody does not prove to be somebody else. */
function isSame(impus: readonly Impu[], asserted: readonly Impu[]): boolean {
  // guard: proof-own — a password that somebody learned does not make him its owner while the network knows better
  return asserted.length === 0 || asserted.some((impu) => impus.includes(impu))
}
