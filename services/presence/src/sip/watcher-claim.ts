import type { Impu } from '@rollcall/core'
import { type Credentials, MalformedDigestError } from '@rollcall/digest'
import { fromUri, paramValue, parseVia, SipSyntaxError } from '@rollcall/sip'
import type { WatcherProof } from '../actor/state.ts'
import type { Found, ProofOutcome, ProofRefusal, WatcherDigest } from '../digest/watcher-digest.ts'
import type { PresenceEvents } from '../events.ts'
import { impuOf } from './fields.ts'
import { hidesWatcher } from './hides-watcher.ts'
import type { IncomingRequest } from './incoming-request.ts'
import { guarded } from './owner-finder.ts'

/** Who sends a SUBSCRIBE, as far as it is settled. */
export interface Sender {
  /** Asserted, or proved; none: nobody vouches. */
  readonly identities: readonly Impu[]
  /** Nobody may be told who it is. */
  readonly isHidden: boolean
  readonly proof: WatcherProof | undefined
}

/** What a claim is settled with. */
export interface ClaimContext {
  readonly digest: WatcherDigest
  readonly events: Pick<PresenceEvents, 'proofChecked'>
}

/**
 * What a SUBSCRIBE says of its sender: what the network asserts, and credentials with which he proves it himself. These
 * are checked once, wherever the request is brought meanwhile, and only where the assertion does not do: nobody is
 * asserted, or he hides.
 *
 * @see RFC 3261 section 22.1; RFC 5025 section 3.1.1
 */
export class WatcherClaim {
  readonly #incoming: IncomingRequest
  readonly #asserted: readonly Impu[]
  readonly #isHidden: boolean
  readonly #credentials: Credentials | undefined
  readonly #o: ClaimContext
  #found: Found | undefined
  #outcome: ProofOutcome | undefined

  private constructor(incoming: IncomingRequest, asserted: readonly Impu[], isEnough: boolean, context: ClaimContext) {
    const { headers } = incoming.request
    this.#incoming = incoming
    this.#asserted = asserted
    this.#o = context
    this.#isHidden = hidesWatcher(headers)
    const isWeak = asserted.length === 0 || this.#isHidden
    this.#credentials = isWeak && !isEnough ? context.digest.read(headers) : undefined
  }

  /**
   * Reads the claim. With `isEnough` the assertion does, even of who hides.
   *
   * @throws SipSyntaxError when the credentials cannot be read.
   */
  static of(
    incoming: IncomingRequest,
    asserted: readonly Impu[],
    isEnough: boolean,
    context: ClaimContext,
  ): WatcherClaim {
    try {
      return new WatcherClaim(incoming, asserted, isEnough, context)
    } catch (error) {
      if (error instanceof MalformedDigestError) throw new SipSyntaxError('Authorization', 'cannot be read')
      throw error
    }
  }

  /**
   * Goes on with the sender at once when that is settled, or refuses; else asks the HSS first and begins `again`, since the
   * partition may have moved meanwhile. `isReplayed` answers a request that has come before: its count is used.
   */
  settle(o: {
    /** Whether the URI of the credentials names what the request is for. */
    readonly isAbout: (uri: string) => boolean
    readonly isReplayed: () => boolean
    readonly goOn: (sender: Sender) => void
    readonly again: () => void
  }): void {
    const credentials = this.#credentials
    if (!credentials) {
      o.goOn({ identities: this.#asserted, isHidden: this.#isHidden, proof: undefined })
      return
    }
    if (o.isReplayed()) return
    const { digest } = this.#o
    const source = this.#source()
    if (!this.#outcome && this.#found === undefined) {
      const reason = digest.refusalOf({ credentials, source })
      if (reason) this.#refuse(reason)
      else this.#find(credentials, o.again)
      return
    }
    if (!this.#outcome) {
      const question = { credentials, source, asserted: this.#asserted, isAbout: o.isAbout(credentials.uri) }
      this.#outcome = digest.check(question, this.#found ?? 'away')
      this.#o.events.proofChecked(credentials.username, this.#outcome, this.#incoming.traceparent)
    }
    const outcome = this.#outcome
    if (outcome.kind === 'refused') this.#refuse(outcome.reason)
    else o.goOn(this.#senderOf(outcome))
  }

  #find(credentials: Credentials, again: () => void): void {
    const incoming = this.#incoming
    void this.#o.digest.find(credentials, incoming.traceparent).then((found) => {
      this.#found = found
      guarded(incoming, again)
    })
  }

  /** Named to the presentity is only who names himself, too: in From (RFC 3323 section 4.1). */
  #senderOf({ impus, proof }: Extract<ProofOutcome, { kind: 'proved' }>): Sender {
    const claimed = impuOf(fromUri(this.#incoming.request))
    const isNamed = claimed !== undefined && impus.includes(claimed)
    // guard: proof-anonymous — who proves his name to us has not told it to the presentity
    return { identities: impus, isHidden: this.#isHidden || !isNamed, proof }
  }

  #refuse(reason: ProofRefusal): void {
    const isChallenge = reason !== 'proof-attempts' && reason !== 'hss-away'
    const isStale = reason === 'proof-stale' || reason === 'proof-replayed'
    this.#incoming.refuse(reason, isChallenge ? this.#o.digest.challenge(isStale) : [])
  }

  /** From where the watcher sends: who the network says he is, else the bottom Via, which who took it from him has stamped. */
  #source(): string {
    const [asserted] = this.#asserted
    if (asserted !== undefined) return asserted
    const via = parseVia(this.#incoming.request.headers.list('Via').at(-1) ?? '')
    return paramValue(via.params, 'received') ?? via.host
  }
}
