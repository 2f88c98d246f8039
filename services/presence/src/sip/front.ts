import type { Impu } from '@rollcall/core'
import type { HopRequestHandler } from '@rollcall/runtime'
import {
  checkRequest,
  entityTag,
  event,
  expires,
  newTag,
  optionTags,
  parseMessage,
  type SipMessage,
  SipParseError,
  type SipRequest,
  SipSyntaxError,
} from '@rollcall/sip'
import type { UserData } from '../sh/user-data.ts'
import { impuOf, impusOf, isEncoded, mediaType, requestKey } from './fields.ts'
import { type FrontContext, refusePackage } from './front-context.ts'
import { IncomingRequest } from './incoming-request.ts'
import { SubscribeFront } from './subscribe-front.ts'

const METHODS = 'PUBLISH, SUBSCRIBE'

/**
 * Reads what the S-CSCF sends over ISC, finds out who asks and whom it is about, and hands it to the partition. Who asks
 * is believed from the envelope alone: what the headers say about it is never looked at.
 *
 * @see ARCHITECTURE, decision 7; TS 24.229 clause 5.7.1 (application server as terminating UA)
 */
export class SipFront {
  readonly #o: FrontContext
  readonly #subscribe: SubscribeFront

  constructor(context: FrontContext) {
    this.#o = context
    this.#subscribe = new SubscribeFront(context, (...args) => this.#withUser(...args))
  }

  readonly onRequest: HopRequestHandler = ({ sip, envelope, span }, peer, reply) => {
    const { random, events } = this.#o
    const open = (request: SipRequest): IncomingRequest =>
      new IncomingRequest(request, { envelope, span, random, events, reply: (response) => reply(response) })
    const message = this.#read(sip, open)
    if (!message) return
    const incoming = open(message)
    if (peer.role !== 'scscf') {
      events.peerRefused(peer.role)
      incoming.refuse('peer-role')
      return
    }
    guarded(incoming, () => this.#dispatch(incoming))
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
    checkRequest(request)
    if (!this.#o.partitions.isOpen) {
      incoming.refuse('store-away')
      return
    }
    if (request.method !== 'PUBLISH' && request.method !== 'SUBSCRIBE') {
      incoming.refuse('method-unknown', [['Allow', METHODS]])
      return
    }
    // We understand no extension that a peer could insist on (RFC 3261 section 8.2.2.3).
    if (request.headers.has('Require')) {
      incoming.refuse('extension-unknown', [['Unsupported', optionTags(request, 'Require').join(', ')]])
      return
    }
    if (request.method === 'SUBSCRIBE') this.#subscribe.take(incoming)
    else this.#publish(incoming)
  }

  #publish(incoming: IncomingRequest): void {
    const { request } = incoming
    const { package: eventPackage } = event(request)
    if (eventPackage !== 'presence') {
      refusePackage(incoming)
      return
    }
    this.#withUser(incoming, impuOf(request.uri), (user) => this.#publishFor(incoming, user))
  }

  #publishFor(incoming: IncomingRequest, user: UserData): void {
    const { request, envelope, traceparent } = incoming
    const { events, hashIdentity, partitions, random } = this.#o
    const identities = impusOf(envelope.assertedIdentities)
    const presentity = user.canonical
    const asked = { method: 'PUBLISH', eventPackage: 'presence', presentity, identities, traceparent } as const
    incoming.note(() => ({
      'rollcall.sip.event': 'presence',
      'rollcall.presentity_hash': hashIdentity(presentity),
      'rollcall.partition': user.partition,
    }))
    if (!identities.some((identity) => user.impus.includes(identity))) {
      events.foreignPublisher(asked)
      incoming.refuse('foreign-presentity')
      return
    }
    const owner = partitions.ownerOf(user.partition)
    if (!owner) {
      incoming.refuse('not-owner')
      return
    }
    const input = {
      kind: 'publish',
      entityTag: entityTag(request, 'SIP-If-Match'),
      expiresSeconds: expires(request),
      contentType: mediaType(request),
      isEncoded: isEncoded(request),
      body: ownOctets(request.body),
      newEntityTag: newTag(random),
      newTag: newTag(random),
    } as const
    owner.request(
      {
        presentity,
        key: requestKey(request),
        traceparent,
        input,
        policy: user,
        decided: (decision) => events.decided(asked, decision),
      },
      incoming,
    )
  }

  /** Goes on with what the HSS knows of `impu`: at once when that is in memory, else when it has come. */
  #withUser(incoming: IncomingRequest, impu: Impu | undefined, goOn: (user: UserData) => void): void {
    if (impu === undefined) {
      incoming.refuse('presentity-unknown')
      return
    }
    const known = this.#o.users.peek(impu)
    if (known === 'unknown') incoming.refuse('presentity-unknown')
    else if (known !== 'missing') goOn(known)
    else {
      this.#o.users.fetch(impu, incoming.traceparent).then(
        (user) => {
          if (user) guarded(incoming, () => goOn(user))
          else incoming.refuse('presentity-unknown')
        },
        () => incoming.refuse('hss-away'),
      )
    }
  }
}

/** Runs `act`; a header field that it cannot read is the sender's fault. */
function guarded(incoming: IncomingRequest, act: () => void): void {
  try {
    act()
  } catch (error) {
    if (!(error instanceof SipSyntaxError)) throw error
    incoming.refuse('malformed')
  }
}

/**
 * A copy with memory of its own: the body of a request is a view of the batch it came in, and Node's small buffers are
 * cut from shared slabs; either would be kept alive as long as the publication.
 */
function ownOctets(body: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(body.length)
  body.copy(own)
  return own
}
