import { type Impu, parseImpu } from '@rollcall/core'
import { writePidf } from '@rollcall/pidf'
import { listPolicy } from '@rollcall/policy'
import { packDialog } from '../actor/packed-dialog.ts'
import type { PublishInput } from '../actor/publish.ts'
import type { RegisterInput } from '../actor/register.ts'
import type { Subscription } from '../actor/state.ts'
import type { ResubscribeInput, SubscribeInput } from '../actor/subscribe.ts'

/** The story's people, for tests. */
export const ALICE = parseImpu('sip:alice@ims.example.com')
export const ALICE_TEL = parseImpu('tel:+15550100')
export const BOB = parseImpu('sip:bob@ims.example.com')
export const CAROL = parseImpu('sip:carol@ims.example.com')
export const MALLORY = parseImpu('sip:mallory@ims.example.com')

/** alice's first policy: everybody but mallory. */
export const ALICES_POLICY = listPolicy({ defaultAllow: true, allow: [], block: [MALLORY] })

export const NO_BODY = Buffer.alloc(0)

export function pidf(note: string, basic: 'open' | 'closed' = 'open'): Buffer {
  return writePidf({ entity: ALICE, tupleId: 'phone', basic, note })
}

let serial = 0

/** Another tag than all before. */
export function freshTag(): string {
  serial += 1
  return `tag${serial}`
}

export function publish(over: Partial<PublishInput> = {}): PublishInput {
  return {
    kind: 'publish',
    entityTag: undefined,
    expiresSeconds: 3_600,
    contentType: 'application/pidf+xml',
    isEncoded: false,
    body: pidf('here'),
    newEntityTag: freshTag(),
    newTag: freshTag(),
    ...over,
  }
}

/** A third-party REGISTER, for an hour unless told otherwise. */
export function registration(over: Partial<RegisterInput> & { readonly expiresSeconds?: number } = {}): RegisterInput {
  const { expiresSeconds = 3_600, ...rest } = over
  return {
    kind: 'register',
    binding: { contact: 'sip:scscf.ims.example.com', expiresSeconds },
    toldAtMs: 1_000,
    callId: `register-${freshTag()}`,
    cseq: 1,
    newTag: freshTag(),
    ...rest,
  }
}

export function subscribe(over: Partial<SubscribeInput> = {}): SubscribeInput {
  const watcher: readonly Impu[] = over.watcher ?? [BOB]
  return {
    kind: 'subscribe',
    eventPackage: 'presence',
    eventId: '',
    resource: ALICE,
    watcher,
    isHidden: false,
    proof: undefined,
    isOwn: watcher.includes(ALICE),
    accept: undefined,
    expiresSeconds: 3_600,
    notifyBase: { cseq: 0, ownerOrdinal: 1 },
    contact: '<sip:presence-3@presence.ims.example.com>',
    recordRoute: ['<sip:term@scscf.ims.example.com;lr>'],
    newTag: freshTag(),
    dialog: {
      callId: `call-${freshTag()}`,
      remoteTag: freshTag(),
      localUri: ALICE,
      remoteUri: watcher[0] ?? 'sip:anonymous@anonymous.invalid',
      remoteTarget: 'sip:bob@127.0.1.3:15064',
      routeSet: ['<sip:term@scscf.ims.example.com;lr>'],
      remoteCseq: 1,
    },
    policy: ALICES_POLICY,
    ...over,
  }
}

export function resubscribe(of: SubscribeInput, over: Partial<ResubscribeInput> = {}): ResubscribeInput {
  return {
    kind: 'resubscribe',
    subscriptionId: of.newTag,
    callId: of.dialog.callId,
    remoteTag: of.dialog.remoteTag,
    eventPackage: of.eventPackage,
    eventId: of.eventId,
    watcher: of.watcher,
    isHidden: false,
    isOwn: of.isOwn,
    accept: undefined,
    expiresSeconds: 3_600,
    notifyBase: of.notifyBase,
    contact: of.contact,
    recordRoute: [],
    newTag: freshTag(),
    cseq: 2,
    remoteTarget: of.dialog.remoteTarget,
    policy: of.policy,
    ...over,
  }
}

/** A subscription as it is kept once its SUBSCRIBE was accepted. */
export function keptSubscription(over: Partial<Subscription> = {}): Subscription {
  const { eventPackage, eventId, resource, watcher, notifyBase, dialog } = subscribe()
  return {
    id: 'local',
    eventPackage,
    eventId,
    resource,
    watcher,
    isHidden: false,
    proof: undefined,
    isOwn: false,
    handling: 'allow',
    watcherEvent: 'subscribe',
    startedAtMs: 0,
    expiresAtMs: 61_000,
    dialog: packDialog(dialog, { resource, watcher }),
    remoteCseq: dialog.remoteCseq,
    notifyBase,
    traceparent: '',
    ...over,
  }
}
