import { type Impu, seededRandom } from '@rollcall/core'
import type { DigestAlgorithm } from '@rollcall/digest'
import { type AuditEvent, createEnvelope, type Metrics, startSpan } from '@rollcall/runtime'
import { parseMessage, type SipRequest, type SipResponse, serializeMessage } from '@rollcall/sip'
import { WatcherDigest } from '../digest/watcher-digest.ts'
import { PresenceEvents } from '../events.ts'
import type { PartitionOwner } from '../partition/owner.ts'
import type { UserData } from '../sh/user-data.ts'
import { SipFront } from '../sip/front.ts'
import type { OwnerFinder } from '../sip/owner-finder.ts'
import { ALICE, ALICE_TEL, ALICES_POLICY } from './inputs.ts'
import type { PlayedPasswords } from './played-passwords.ts'
import { Stage } from './stage.ts'

export const REALM = 'ims.example.com'
const USER: UserData = {
  canonical: ALICE,
  partition: 3,
  impus: [ALICE, ALICE_TEL],
  policy: ALICES_POLICY,
  revision: 1n,
}

/** The SIP front over a real owner of alice's partition: what an S-CSCF gets for what it sends. */
export class FrontStage {
  readonly stage: Stage
  readonly owner: PartitionOwner
  readonly audited: AuditEvent[] = []
  readonly #front: SipFront

  private constructor(
    stage: Stage,
    owner: PartitionOwner,
    digest: { readonly passwords: PlayedPasswords; readonly algorithms: readonly DigestAlgorithm[] },
  ) {
    this.stage = stage
    this.owner = owner
    const metrics = { counter: () => ({ add: () => {} }) } as unknown as Metrics
    const random = seededRandom('front-stage')
    const { clock } = stage
    this.#front = new SipFront({
      host: `presence.${REALM}`,
      xcapRoot: `https://xcap.${REALM}/`,
      clock,
      random,
      events: new PresenceEvents({ metrics, audit: (event) => this.audited.push(event) }),
      hashIdentity: (identity) => identity,
      isOpen: () => true,
      finder: {
        ofUser: (_, __, goOn) => goOn(USER, owner),
        ofPartition: (_, __, goOn) => goOn(owner),
        withUser: (_, __, goOn) => goOn(USER),
      } as Pick<OwnerFinder, 'ofUser' | 'ofPartition' | 'withUser'> as OwnerFinder,
      digest: new WatcherDigest({ realm: REALM, clock, random, ...digest }),
      ends: { endEverywhere: async () => 0 },
    })
  }

  static async open(
    passwords: PlayedPasswords,
    algorithms: readonly DigestAlgorithm[] = ['SHA-256', 'MD5'],
  ): Promise<FrontStage> {
    const stage = new Stage()
    const digest = { passwords, algorithms }
    return new FrontStage(stage, await stage.own(), digest)
  }

  /** Sends a request as an S-CSCF that asserts these, and gives the answer. */
  readonly send = async (request: SipRequest, assertedIdentities: readonly Impu[]): Promise<SipResponse> => {
    const envelope = createEnvelope({ deadlineMs: 5_000, assertedIdentities: [...assertedIdentities] })
    const message = { sip: serializeMessage(request), envelope, span: startSpan('SIP SUBSCRIBE') }
    const sip = await new Promise<Buffer>((resolve) => {
      this.#front.onRequest(message, { role: 'scscf', spiffeId: '' }, (octets) => resolve(octets))
    })
    return parseMessage(sip) as SipResponse
  }
}
