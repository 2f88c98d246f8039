import type { Impu } from '@rollcall/core'
import { contact, createUasDialog, event, expires, newTag } from '@rollcall/sip'
import type { Decision } from '../actor/decision.ts'
import type { EventPackage } from '../actor/state.ts'
import type { Asked } from '../events.ts'
import type { PartitionOwner } from '../partition/owner.ts'
import type { OwnedRequest } from '../partition/owner-context.ts'
import type { UserData } from '../sh/user-data.ts'
import { partitionContact, partitionOfContact } from './contact.ts'
import { acceptRanges, impuOf, impusOf, requestKey } from './fields.ts'
import { type FrontContext, refusePackage } from './front-context.ts'
import { hidesWatcher } from './hides-watcher.ts'
import type { IncomingRequest } from './incoming-request.ts'
import { checkNotifyPath } from './notify-request.ts'

/** What both kinds of SUBSCRIBE are read into. */
interface Read {
  readonly incoming: IncomingRequest
  readonly eventPackage: EventPackage
  readonly eventId: string
  readonly identities: readonly Impu[]
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
    if (eventPackage !== 'presence' && eventPackage !== 'presence.winfo') {
      refusePackage(incoming)
      return
    }
    const identities = impusOf(envelope.assertedIdentities)
    const read = { incoming, eventPackage, eventId: id ?? '', identities } as const
    const { toTag: localTag } = incoming.fields
    if (localTag === undefined) {
      const resource = impuOf(request.uri)
      this.#o.finder.ofUser(incoming, resource, (user, owner) => {
        this.#initial(read, resource ?? user.canonical, user, owner)
      })
    } else this.#inDialog(read, localTag)
  }

  #initial(read: Read, resource: Impu, user: UserData, owner: PartitionOwner): void {
    const { incoming, eventPackage, eventId, identities } = read
    const { request } = incoming
    const tag = newTag(this.#o.random)
    const { callId, remoteTag, localUri, remoteUri, remoteTarget, routeSet, remoteCseq } = createUasDialog(request, tag)
    checkNotifyPath(remoteTarget, routeSet)
    const input = {
      ...this.#common(incoming, owner, identities, user),
      kind: 'subscribe',
      eventPackage,
      eventId,
      resource,
      isHidden: hidesWatcher(request.headers),
      dialog: { callId, remoteTag, localUri, remoteUri, remoteTarget, routeSet, remoteCseq },
      policy: user.policy,
      newTag: tag,
    } as const
    this.#ask(read, owner, user.canonical, input, user)
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
    if (expires(request) === 0) {
      this.#resubscribe(read, owner, presentity, subscriptionId, undefined)
      return
    }
    this.#o.finder.withUser(incoming, presentity, (user) => {
      // The partition may have moved while the HSS was asked.
      this.#o.finder.ofPartition(incoming, owner.partition, (ownerNow) => {
        if (ownerNow === owner) this.#resubscribe(read, owner, presentity, subscriptionId, user)
        else this.#ofOwner(read, ownerNow, subscriptionId)
      })
    })
  }

  #resubscribe(
    read: Read,
    owner: PartitionOwner,
    presentity: Impu,
    subscriptionId: string,
    user: UserData | undefined,
  ): void {
    const { incoming, eventPackage, eventId, identities } = read
    const { request } = incoming
    const remoteTarget = ownText(contact(request).uri)
    checkNotifyPath(remoteTarget, [])
    const input = {
      ...this.#common(incoming, owner, identities, user),
      kind: 'resubscribe',
      eventPackage,
      eventId,
      subscriptionId,
      callId: incoming.fields.callId,
      remoteTag: incoming.fields.fromTag,
      cseq: incoming.fields.cseq.sequence,
      remoteTarget,
      policy: user?.policy,
      newTag: subscriptionId,
    } as const
    this.#ask(read, owner, presentity, input, user)
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
    { incoming, eventPackage, identities }: Read,
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
      incoming,
    )
  }
}

/** What a parser cuts out of a message holds on to all of it; this is kept for as long as the dialog. */
function ownText(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
