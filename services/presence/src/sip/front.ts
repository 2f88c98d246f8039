import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import type { HopPeer, HopRequestHandler } from '@rollcall/runtime'
import {
  entityTag,
  event,
  expires,
  newTag,
  optionTags,
  parseMessage,
  type SipMessage,
  SipParseError,
  type SipRequest,
  topBranch,
} from '@rollcall/sip'
import type { PartitionOwner } from '../partition/owner.ts'
import type { UserData } from '../sh/user-data.ts'
import { impuOf, impusOf, isEncoded, mediaType, requestKey } from './fields.ts'
import { type FrontContext, refusePackage } from './front-context.ts'
import { IncomingRequest } from './incoming-request.ts'
import { guarded } from './owner-finder.ts'
import { RegisterFront } from './register-front.ts'
import { SubscribeFront } from './subscribe-front.ts'

const METHODS = 'PUBLISH, SUBSCRIBE, REGISTER'
/** 64*T1: by then the sender has given up, whatever it said (RFC 3261 section 17.1.2.2). */
const DEADLINE_MS_MAX = 32_000

/**
 * Reads what the S-CSCF sends over ISC, finds out who asks and whom it is about, and hands it to the partition. Who asks
 * is believed from the envelope alone: what the headers say about it is never looked at.
 *
 * @see ARCHITECTURE, decision 7; TS 24.229 clause 5.7.1 (application server as terminating UA)
 */
export class SipFront {
  readonly #o: FrontContext
  readonly #subscribe: SubscribeFront
  readonly #register: RegisterFront

  constructor(context: FrontContext) {
    this.#o = context
    this.#subscribe = new SubscribeFront(context)
    this.#register = new RegisterFront(context)
  }

  readonly onRequest: HopRequestHandler = ({ sip, envelope, span }, peer, reply) => {
    const { clock, host, random, events } = this.#o
    const sinceMs = clock.monotonic()
    const deadlineMs = (): number => {
      const wholeMs = Math.min(envelope.deadlineMs || DEADLINE_MS_MAX, DEADLINE_MS_MAX)
      return wholeMs - (clock.monotonic() - sinceMs)
    }
    const from = senderOf(peer, envelope)
    const open = (request: SipRequest): IncomingRequest =>
      new IncomingRequest(request, {
        envelope,
        span,
        random,
        events,
        host,
        origin: { sip, branch: topBranch(request) ?? '', from: 'scscf', deadlineMs, reply },
        reply: (response, _, answerEnvelope) => reply(response, answerEnvelope),
      })
    const message = this.#read(sip, open)
    if (!message) return
    const incoming = open(message)
    // guard: sender-role — the identities of an envelope are believed because an S-CSCF asserted them
    if (from !== 'scscf') {
      this.#refusePeer(peer, incoming)
      return
    }
    // guard: unverified-identity — what came over a link that nobody protects is nobody's wish
    if (envelope.accessSecurity === AccessSecurity.ACCESS_SECURITY_NONE) {
      incoming.refuse('unverified')
      return
    }
    this.take(incoming)
  }

  /** Takes a request whose sender's identity is settled: by the hop's envelope, or however plain SIP settles it. */
  take(incoming: IncomingRequest): void {
    guarded(incoming, () => this.#dispatch(incoming))
  }

  #refusePeer(peer: HopPeer, incoming: IncomingRequest): void {
    this.#o.events.peerRefused(peer.role)
    incoming.refuse('peer-role')
  }

  /** The request; what is none is answered as far as possible, or dropped. */
  #read(sip: Buffer, open: (request: SipRequest) => IncomingRequest): SipRequest | undefined {
    let message: SipMessage
    try {
      message = parseMessage(sip)
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error
      if (error.request) open(error.request).refuse('malformed', [], error.status)
      else this.#o.events.dropped('unreadable')
      return undefined
    }
    if (message.kind === 'request') return message
    this.#o.events.dropped('response')
    return undefined
  }

  #dispatch(incoming: IncomingRequest): void {
    const { request } = incoming
    incoming.check()
    if (!this.#o.isOpen()) {
      incoming.refuse('store-away')
      return
    }
    const { method } = request
    if (method !== 'PUBLISH' && method !== 'SUBSCRIBE' && method !== 'REGISTER') {
      incoming.refuse('method-unknown', [['Allow', METHODS]])
      return
    }
    // We understand no extension that a peer could insist on (RFC 3261 section 8.2.2.3).
    if (request.headers.has('Require')) {
      incoming.refuse('extension-unknown', [['Unsupported', optionTags(request, 'Require').join(', ')]])
      return
    }
    if (method === 'SUBSCRIBE') this.#subscribe.take(incoming)
    else if (method === 'REGISTER') this.#register.take(incoming)
    else this.#publish(incoming)
  }

  #publish(incoming: IncomingRequest): void {
    const { request } = incoming
    const { package: eventPackage } = event(request)
    if (eventPackage !== 'presence') {
      refusePackage(incoming)
      return
    }
    this.#o.finder.ofUser(incoming, impuOf(request.uri), (user, owner) => this.#publishFor(incoming, user, owner))
  }

  #publishFor(incoming: IncomingRequest, user: UserData, owner: PartitionOwner): void {
    const { request, envelope, traceparent } = incoming
    const { events, hashIdentity, random } = this.#o
    const identities = impusOf(envelope.assertedIdentities)
    const presentity = user.canonical
    const asked = { method: 'PUBLISH', eventPackage: 'presence', presentity, identities, traceparent } as const
    incoming.note(() => ({
      'rollcall.sip.event': 'presence',
      'rollcall.presentity_hash': hashIdentity(presentity),
      'rollcall.partition': user.partition,
    }))
    // guard: own-identity — nobody publishes for somebody else
    if (!identities.some((identity) => user.impus.includes(identity))) {
      events.foreignPublisher(asked)
      incoming.refuse('foreign-presentity')
      return
    }
    const input = {
      kind: 'publish',
      entityTag: entityTag(request, 'SIP-If-Match'),
      expiresSeconds: expires(request),
      contentType: mediaType(request),
      isEncoded: isEncoded(request),
      body: request.body,
      newEntityTag: newTag(random),
      newTag: newTag(random),
    } as const
    owner.request(
      {
        presentity,
        key: requestKey(request, incoming.fields),
        traceparent,
        input,
        policy: user,
        decided: (decision) => events.decided(asked, decision),
      },
      incoming,
    )
  }
}

/**
 * Who sent it into this service. Another replica vouches for nobody: it only hands on, once, and says whose it was. Who
 * is no replica cannot have forwarded it.
 */
function senderOf(peer: HopPeer, envelope: Envelope): string {
  if (peer.role !== 'presence') {
    envelope.forwarded = false
    return peer.role
  }
  // guard: forwarded-role — a replica that sends something of its own is no S-CSCF
  if (!envelope.forwarded) return peer.role
  return envelope.forwardedRole
}
