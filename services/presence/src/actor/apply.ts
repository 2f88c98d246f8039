import { assertNever, type Impu } from '@rollcall/core'
import type { SubHandling } from '@rollcall/policy'
import type { Change, EndReason, StoredSubscription } from './change.ts'
import { type DocumentStep, Documents } from './documents.ts'
import { packDialog } from './packed-dialog.ts'
import { dialogOf, type NotifyBase, type PresentityState, type Subscription } from './state.ts'
import { noWaitingWatchers, type WaitingEnd } from './waiting.ts'

/** A subscription that has ended, with what its last NOTIFY needs. */
export interface EndedSubscription {
  readonly subscription: Subscription
  readonly reason: EndReason
  readonly silent: boolean
}

/** A watcher that is gone without a dialog to say so in: the presentity alone is told. */
export interface GoneWatcher extends Pick<Subscription, 'id' | 'watcher' | 'isHidden' | 'startedAtMs'> {
  readonly reason: WaitingEnd
}

/** Who has to be told after a record. */
export interface Touched {
  /** What watchers see of the presentity changed. */
  presence: boolean
  /** What the presentity sees of its watchers changed. */
  winfo: boolean
  /** Subscriptions that are told whatever changed: new, refreshed, decided anew. */
  readonly subscriptions: Set<string>
  readonly ended: EndedSubscription[]
  readonly gone: GoneWatcher[]
  /** What became of documents. */
  readonly documents: DocumentStep[]
}

/** When a record was decided, and in which trace. */
export interface RecordCause {
  readonly decidedAtMs: number
  readonly traceparent: string
}

/** Nobody, so far. */
export function untouched(): Touched {
  return { presence: false, winfo: false, subscriptions: new Set(), ended: [], gone: [], documents: [] }
}

/**
 * Makes the changes of one record in `state`, and says who has to be told. The same for a record that was just decided
 * and for one that is read from the log, so that a reload gives the same state. Changes that name what is not there do
 * nothing: their subject has ended meanwhile.
 */
export function applyChanges(state: PresentityState, changes: readonly Change[], cause: RecordCause): Touched {
  const touched = untouched()
  for (const change of changes) applyChange(state, change, cause, touched)
  return touched
}

function applyChange(state: PresentityState, change: Change, cause: RecordCause, touched: Touched): void {
  const { decidedAtMs, traceparent } = cause
  const { publications, subscriptions } = state
  switch (change.kind) {
    case 'publication-stored': {
      const { number, entityTag, expiresAtMs, body } = change
      // The octets are a view of the message or record that they came in; this is a copy of its own.
      const text = body.toString('latin1')
      const publication = { number, entityTag, expiresAtMs, receivedAtMs: decidedAtMs, body: text }
      if (change.replacedEntityTag === undefined) publications.set(publication)
      else publications.replace(change.replacedEntityTag, publication)
      state.lastPublicationNumber = Math.max(state.lastPublicationNumber, number)
      touched.presence = true
      return
    }
    case 'publication-refreshed': {
      const publication = publications.get(change.replacedEntityTag)
      if (!publication) return
      const { entityTag, expiresAtMs } = change
      publications.replace(change.replacedEntityTag, { ...publication, entityTag, expiresAtMs })
      return
    }
    case 'publication-removed':
      if (publications.delete(change.entityTag)) touched.presence = true
      return
    case 'subscription-stored': {
      const history = { watcherEvent: 'subscribe', startedAtMs: decidedAtMs, traceparent } as const
      const subscription = keepSubscription(change.subscription, state.presentity, history)
      subscriptions.set(subscription)
      touched.subscriptions.add(subscription.id)
      if (subscription.eventPackage === 'presence') touched.winfo = true
      return
    }
    case 'subscription-refreshed': {
      const { id, remoteCseq, remoteTarget, expiresAtMs, handling, notifyBase } = change
      decided(state, id, handling, touched, (subscription) => ({
        ...subscription,
        dialog: packDialog({ ...dialogOf(subscription), remoteTarget }, subscription),
        remoteCseq,
        expiresAtMs,
        notifyBase: shared(notifyBase),
        traceparent,
        ...(change.isHidden && { isHidden: true }),
        ...(change.xcap && { xcap: change.xcap }),
      }))
      if (change.isHidden && subscriptions.get(id)?.eventPackage === 'presence') touched.winfo = true
      return
    }
    case 'subscription-decided':
      decided(state, change.id, change.handling, touched, (subscription) => subscription)
      return
    case 'subscription-ended': {
      const subscription = subscriptions.get(change.id)
      if (!subscription) return
      subscriptions.delete(change.id)
      touched.subscriptions.delete(change.id)
      touched.ended.push({ subscription, reason: change.reason, silent: change.silent })
      if (subscription.eventPackage === 'presence') touched.winfo = true
      if (change.waitsUntilMs !== undefined) {
        const { id, watcher, isHidden, proof, startedAtMs } = subscription
        state.waiting ??= noWaitingWatchers()
        state.waiting.set({ id, watcher, isHidden, proof, startedAtMs, giveUpAtMs: change.waitsUntilMs })
      }
      return
    }
    case 'waiting-ended': {
      const { id, reason } = change
      const place = state.waiting?.get(id)
      if (!place) return
      state.waiting?.delete(id)
      if (state.waiting?.size === 0) state.waiting = undefined
      const { watcher, isHidden, startedAtMs } = place
      touched.gone.push({ id, watcher, isHidden, startedAtMs, reason })
      touched.winfo = true
      return
    }
    case 'watcher-refused': {
      const { id, watcher, isHidden } = change
      touched.gone.push({ id, watcher, isHidden, startedAtMs: decidedAtMs, reason: 'rejected' })
      touched.winfo = true
      return
    }
    case 'registration-stored': {
      const { expiresAtMs, toldAtMs, callId, cseq } = change
      // Watchers see whether, not for how long.
      if (!state.registration?.isRegistered) touched.presence = true
      state.registration = { isRegistered: true, expiresAtMs, toldAtMs, callId, cseq }
      return
    }
    case 'registration-ended': {
      const { forgetAtMs: expiresAtMs, toldAtMs, callId, cseq } = change
      const before = state.registration
      // Of whom nobody has told, who publishes nothing, watchers see the same as of one who is not registered.
      if (before ? before.isRegistered : publications.size > 0) touched.presence = true
      state.registration = { isRegistered: false, expiresAtMs, toldAtMs, callId, cseq }
      return
    }
    case 'registration-forgotten':
      state.registration = undefined
      return
    case 'document-stored': {
      state.documents ??= new Documents()
      const { key, etag } = change
      // The octets are a view of what they came in; this is a copy of its own.
      const after = { octets: Buffer.from(change.octets), etag }
      touched.documents.push({ key, before: state.documents.get(key), after })
      state.documents.set(key, after)
      state.documents.knowRules(change.rules)
      state.documents.toldAt(decidedAtMs)
      // Rules say what watchers see, besides who may: all are told anew.
      touched.presence = true
      return
    }
    case 'document-removed': {
      const { key } = change
      const before = state.documents?.get(key)
      if (before) touched.documents.push({ key, before, after: undefined })
      if (state.documents?.delete(key)) touched.presence = true
      state.documents?.toldAt(decidedAtMs)
      if (state.documents?.size === 0) state.documents = undefined
      return
    }
    case 'notify-base-moved': {
      const subscription = subscriptions.get(change.id)
      if (subscription) subscriptions.set({ ...subscription, notifyBase: shared(change.notifyBase) })
      return
    }
    default:
      assertNever(change)
  }
}

/** Replaces a subscription by what `update` and the policy's word make of it. */
function decided(
  state: PresentityState,
  id: string,
  handling: SubHandling,
  touched: Touched,
  update: (subscription: Subscription) => Subscription,
): void {
  const before = state.subscriptions.get(id)
  if (!before) return
  const isPending = handling === 'confirm'
  const isOtherwise = isPending !== (before.handling === 'confirm')
  // Who must wait again stands there as if he had just asked.
  const watcherEvent = isOtherwise ? (isPending ? 'subscribe' : 'approved') : before.watcherEvent
  const after = { ...update(before), handling, watcherEvent } as const
  state.subscriptions.set(after)
  touched.subscriptions.add(id)
  if (isOtherwise && after.eventPackage === 'presence') touched.winfo = true
}

/** A subscription as it is kept: packed, and with what many have alike only once. */
export function keepSubscription(
  stored: StoredSubscription,
  presentity: Impu,
  history: Pick<Subscription, 'watcherEvent' | 'startedAtMs' | 'traceparent'>,
): Subscription {
  const { id, eventPackage, eventId, watcher, isHidden, proof, isOwn, handling, expiresAtMs, dialog, notifyBase } =
    stored
  return {
    id,
    eventPackage,
    eventId,
    resource: stored.resource === presentity ? presentity : stored.resource,
    watcher,
    isHidden,
    proof,
    isOwn,
    handling,
    watcherEvent: history.watcherEvent,
    startedAtMs: history.startedAtMs,
    expiresAtMs,
    dialog: packDialog(dialog, stored),
    remoteCseq: dialog.remoteCseq,
    notifyBase: shared(notifyBase),
    traceparent: history.traceparent,
    ...(stored.xcap && { xcap: stored.xcap }),
  }
}

let lastBase: NotifyBase = { cseq: 0, ownerOrdinal: 0 }

/** All dialogs that begin under one owner begin at the same base: they share it. */
function shared(base: NotifyBase): NotifyBase {
  if (base.cseq !== 0) return base
  if (base.ownerOrdinal !== lastBase.ownerOrdinal) lastBase = base
  return lastBase
}
