import type { Touched } from '../actor/apply.ts'
import { DocumentsView } from '../actor/documents-view.ts'
import type { PresentityState, Subscription } from '../actor/state.ts'
import { PresenceView } from '../actor/view.ts'
import { WinfoView } from '../actor/winfo-view.ts'
import type { Notice, View } from './notice.ts'

/** A notice of which only the cause is not known yet: the record that causes it has no sequence before it is durable. */
export type NoticeDraft = Pick<Notice, 'subscription' | 'ended' | 'view' | 'isBare'>

const NOBODY: readonly NoticeDraft[] = []

/**
 * Whom a record's changes concern, and what they are to be told: the state right after the record, captured now.
 * Publications interest watchers who may see them; a politely blocked one, who must not learn that there was a change,
 * hears of none (readings, Presence 6).
 */
export function draftNotices(state: PresentityState, touched: Touched, nowMs: number): readonly NoticeDraft[] {
  const { subscriptions, ended } = touched
  if (state.subscriptions.size === 0 && ended.length === 0) return NOBODY
  const views = new Views(state, touched, nowMs)
  const drafts: NoticeDraft[] = []
  for (const { subscription, reason, silent } of ended) {
    if (!silent) drafts.push({ subscription, ended: reason, view: views.of(subscription) })
  }
  const tell = (subscription: Subscription): void => {
    drafts.push({ subscription, ended: undefined, view: views.of(subscription) })
  }
  for (const id of subscriptions) {
    const subscription = state.subscriptions.get(id)
    if (subscription) tell(subscription)
  }
  if (touched.winfo) {
    for (const id of state.subscriptions.winfoIds) {
      const subscription = subscriptions.has(id) ? undefined : state.subscriptions.get(id)
      if (subscription) tell(subscription)
    }
  }
  if (touched.presence) {
    for (const subscription of state.subscriptions.values()) {
      const { id, eventPackage, handling } = subscription
      if (eventPackage === 'presence' && handling === 'allow' && !subscriptions.has(id)) tell(subscription)
    }
  }
  if (touched.documents.length > 0) drafts.push(...documentDrafts(state, touched))
  return drafts
}

/** What those are told who watch documents, and have not just subscribed. */
function documentDrafts(state: PresentityState, { documents, subscriptions }: Touched): NoticeDraft[] {
  const view = DocumentsView.since(state, documents)
  return state.subscriptions.xcapIds.flatMap((id) => {
    const subscription = subscriptions.has(id) ? undefined : state.subscriptions.get(id)
    const isConcerned = subscription?.xcap && view.concerns(subscription.xcap, subscription.resource)
    return subscription && isConcerned ? [{ subscription, ended: undefined, view }] : []
  })
}

/** The views of one moment, made when somebody needs them. */
class Views {
  readonly #state: PresentityState
  readonly #touched: Touched
  readonly #nowMs: number
  #presence: PresenceView | undefined
  #winfo: WinfoView | undefined

  constructor(state: PresentityState, touched: Touched, nowMs: number) {
    this.#nowMs = nowMs
    this.#state = state
    this.#touched = touched
  }

  of({ eventPackage }: Subscription): View {
    switch (eventPackage) {
      case 'presence':
        this.#presence ??= new PresenceView(this.#state, this.#nowMs)
        return this.#presence
      case 'presence.winfo':
        this.#winfo ??= WinfoView.of(this.#state, this.#touched)
        return this.#winfo
      case 'xcap-diff':
        return DocumentsView.whole(this.#state)
    }
  }
}
