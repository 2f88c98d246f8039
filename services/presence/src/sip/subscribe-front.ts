import type { Impu } from '@rollcall/core'
import { contact, createUasDialog, event, expires, newTag, sameUri } from '@rollcall/sip'
import { XCAP_DIFF_RESOURCES_MEDIA_TYPE } from '@rollcall/xcap'
import type { Decision } from '../actor/decision.ts'
import type { EventPackage } from '../actor/state.ts'
import type { XcapSelection } from '../actor/xcap-selection.ts'
import type { Asked } from '../events.ts'
import type { AnswerListener } from '../partition/answers.ts'
import type { PartitionOwner } from '../partition/owner.ts'
import type { OwnedRequest } from '../partition/owner-context.ts'
import type { UserData } from '../sh/user-data.ts'
import { partitionContact, partitionOfContact } from './contact.ts'
import { acceptRanges, impuOf, impusOf, requestKey } from './fields.ts'
import { type FrontContext, refusePackage } from './front-context.ts'
import type { IncomingRequest } from './incoming-request.ts'
import { checkNotifyPath } from './notify-request.ts'
import { readSelection } from './read-selection.ts'
import { type Sender, WatcherClaim } from './watcher-claim.ts'

const UNAUTHORIZED = 401

/** What both kinds of SUBSCRIBE are read into. */
interface Read {
  readonly incoming: IncomingRequest
  readonly eventPackage: EventPackage
  readonly eventId: string
  readonly claim: WatcherClaim
}

/** Reads SUBSCRIBEs: outside of a dialog, and in one. */
export class SubscribeFront {
  readonly #o: FrontContext

  constructor(context: FrontContext) {
    this.#o = context
  }

  take(incoming: IncomingRequest): void {
    const { request, envelope } = incoming
    const { package: eventPackage, id } = event(request)
    if (eventPackage !== 'presence' && eventPackage !== 'presence.winfo' && eventPackage !== 'xcap-diff') {
      refusePackage(incoming)
      return
    }
    const identities = impusOf(envelope.assertedIdentities)
    // In a dialog who hides goes on hiding: his assertion is enough.
    const { toTag: localTag } = incoming.fields
    const isEnough = localTag !== undefined && identities.length > 0
    const claim = WatcherClaim.of(incoming, identities, isEnough, this.#o)
    const read = { incoming, eventPackage, eventId: id ?? '', claim } as const
    if (localTag === undefined) this.#outside(read)
    else this.#inDialog(read, localTag)
  }

  /** The Request-URI names the presentity. */
  #outside(read: Read): void {
    const { incoming, claim } = read
    const { uri } = incoming.request
    const resource = impuOf(uri)
    this.#o.finder.ofUser(incoming, resource, (user, owner) => {
      claim.settle({
        // Whoever forwarded it may have written another name of the presentity's (RFC 3261 section 22.4).
        isAbout: (said) => sameUri(said, uri) || user.impus.some((impu) => impu === impuOf(said)),
        isReplayed: () => owner.replay(requestKey(incoming.request, incoming.fields), incoming),
        goOn: (sender) => this.#initial(read, sender, resource ?? user.canonical, user, owner),
        again: () => this.#outside(read),
      })
    })
  }

  #initial(read: Read, sender: Sender, resource: Impu, user: UserData, owner: PartitionOwner): void {
    const { incoming, eventPackage, eventId } = read
    const { request } = incoming
    const tag = newTag(this.#o.random)
    const xcap = eventPackage === 'xcap-diff' ? this.#selection(incoming, resource, user) : undefined
    if (xcap === 'refused') return
    const { callId, remoteTag, localUri, remoteUri, remoteTarget, routeSet, remoteCseq } = createUasDialog(request, tag)
    checkNotifyPath(remoteTarget, routeSet)
    const input = {
      ...this.#common(incoming, owner, sender.identities, user),
      kind: 'subscribe',
      eventPackage,
      eventId,
      resource,
      isHidden: sender.isHidden,
      proof: sender.proof,
      dialog: { callId, remoteTag, localUri, remoteUri, remoteTarget, routeSet, remoteCseq },
      policy: user.policy,
      newTag: tag,
      ...(xcap && { xcap }),
    } as const
    this.#ask(read, sender, owner, user.canonical, input, user)
  }

  /** The Request-URI names the partition, the To tag the subscription. */
  #inDialog(read: Read, subscriptionId: string): void {
    const { incoming } = read
    const partition = partitionOfContact(incoming.request.uri, incoming.host)
    if (partition === undefined) {
      incoming.refuse('dialog-unknown')
      return
    }
    this.#o.finder.ofPartition(incoming, partition, (owner) => this.#ofOwner(read, owner, subscriptionId))
  }

  #ofOwner(read: Read, owner: PartitionOwner, subscriptionId: string): void {
    const { incoming } = read
    const { request } = incoming
    const presentity = owner.presentityOf(subscriptionId)
    if (presentity === undefined) {
      const isAnswered = owner.answerUnknownDialog(requestKey(request, incoming.fields), incoming)
      if (!isAnswered) incoming.refuse('dialog-unknown')
      return
    }
    read.claim.settle({
      isAbout: (said) => sameUri(said, request.uri),
      isReplayed: () => owner.replay(requestKey(request, incoming.fields), incoming),
      goOn: (sender) => this.#ofSender(read, sender, owner, presentity, subscriptionId),
      again: () => this.#inDialog(read, subscriptionId),
    })
  }

  #ofSender(read: Read, sender: Sender, owner: PartitionOwner, presentity: Impu, subscriptionId: string): void {
    const { incoming } = read
    if (expires(incoming.request) === 0) {
      this.#resubscribe(read, sender, owner, presentity, subscriptionId, undefined)
      return
    }
    this.#o.finder.withUser(incoming, presentity, (user) => {
      // The partition may have moved while the HSS was asked.
      this.#o.finder.ofPartition(incoming, owner.partition, (ownerNow) => {
        if (ownerNow === owner) this.#resubscribe(read, sender, owner, presentity, subscriptionId, user)
        else this.#ofOwner(read, ownerNow, subscriptionId)
      })
    })
  }

  #resubscribe(
    read: Read,
    sender: Sender,
    owner: PartitionOwner,
    presentity: Impu,
    subscriptionId: string,
    user: UserData | undefined,
  ): void {
    const { incoming, eventPackage, eventId } = read
    const { request } = incoming
    const isOther = eventPackage === 'xcap-diff' && user && request.body.length > 0
    const xcap = isOther ? this.#selection(incoming, presentity, user) : undefined
    if (xcap === 'refused') return
    const remoteTarget = ownText(contact(request).uri)
    checkNotifyPath(remoteTarget, [])
    const input = {
      ...this.#common(incoming, owner, sender.identities, user),
      kind: 'resubscribe',
      eventPackage,
      eventId,
      subscriptionId,
      isHidden: sender.isHidden,
      callId: incoming.fields.callId,
      remoteTag: incoming.fields.fromTag,
      cseq: incoming.fields.cseq.sequence,
      remoteTarget,
      policy: user?.policy,
      newTag: subscriptionId,
      ...(xcap && { xcap }),
    } as const
    this.#ask(read, sender, owner, presentity, input, user)
  }

  /** What an `xcap-diff` SUBSCRIBE is about, or that it was refused. */
  #selection(incoming: IncomingRequest, resource: Impu, { impus }: UserData): XcapSelection | 'refused' {
    const selection = readSelection(incoming.request, { root: this.#o.xcapRoot, resource, identities: impus })
    if (selection === 'type') incoming.refuse('body-type', [['Accept', XCAP_DIFF_RESOURCES_MEDIA_TYPE]])
    else if (selection === 'malformed') incoming.refuse('body-malformed')
    else if (selection === 'too-much') incoming.refuse('body-too-large')
    else return selection
    return 'refused'
  }

  #common(
    { request, host }: IncomingRequest,
    owner: PartitionOwner,
    watcher: readonly Impu[],
    user: UserData | undefined,
  ) {
    return {
      watcher,
      isOwn: watcher.some((identity) => user?.impus.includes(identity)),
      accept: acceptRanges(request),
      expiresSeconds: expires(request),
      contact: partitionContact(owner.partition, host),
      recordRoute: request.headers.list('Record-Route'),
    }
  }

  #ask(
    { incoming, eventPackage }: Read,
    { identities }: Sender,
    owner: PartitionOwner,
    presentity: Impu,
    input: OwnedRequest['input'],
    policy: UserData | undefined,
  ): void {
    const { request, traceparent } = incoming
    const { events, hashIdentity } = this.#o
    const asked: Asked = { method: 'SUBSCRIBE', eventPackage, presentity, identities, traceparent }
    const decided = (decision: Decision): void => {
      events.decided(asked, decision)
      incoming.note(() => ({
        'rollcall.sip.event': eventPackage,
        'rollcall.presentity_hash': hashIdentity(presentity),
        'rollcall.partition': owner.partition,
        ...(identities[0] ? { 'rollcall.watcher_hash': hashIdentity(identities[0]) } : {}),
        ...(decision.handling ? { 'rollcall.policy.decision': decision.handling } : {}),
      }))
    }
    owner.request(
      { presentity, key: requestKey(request, incoming.fields), traceparent, input, policy, decided },
      this.#challenging(incoming),
    )
  }

  /** Answers the request; a 401 asks who it is. */
  #challenging(incoming: IncomingRequest): AnswerListener {
    return {
      answer: (answer) => {
        const challenge = answer.status === UNAUTHORIZED ? this.#o.digest.challenge(false) : []
        incoming.answer({ ...answer, headers: [...answer.headers, ...challenge] })
      },
      unavailable: (reason) => incoming.unavailable(reason),
    }
  }
}

/** What a parser cuts out of a message holds on to all of it; this is kept for as long as the dialog. */
function ownText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
