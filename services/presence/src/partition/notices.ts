import type { EndedSubscription, Touched } from '../actor/apply.ts'
import type { PresentityState, Subscription } from '../actor/state.ts'
import { PresenceView, WinfoView } from '../actor/view.ts'
import type { Notice } from './notice.ts'

/** A notice of which only the cause is not known yet: the record that causes it has no sequence before it is durable. */
export type NoticeDraft = Pick<Notice, 'subscription' | 'ended' | 'view'>

const NOBODY: readonly NoticeDraft[] = []

/**
 * Whom a record's changes concern, and what they are to be told: the state right after the record, captured now.
 * Publications interest watchers who may see them; a politely blocked one, who must not learn that there was a change,
 * hears of none (readings, Presence 6).
 */
export function draftNotices(state: PresentityState, touched: Touched, nowMs: number): readonly NoticeDraft[] {
  const { subscriptions, ended } = touched
  if (state.subscriptions.size === 0 && ended.length === 0) return NOBODY
  const views = new Views(state, ended, nowMs)
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
  return drafts
}

/** The views of one moment, made when somebody needs them. */
class Views {
  readonly #state: PresentityState
  readonly #ended: readonly EndedSubscription[]
  readonly #nowMs: number
  #presence: PresenceView | undefined
  #winfo: WinfoView | undefined

  constructor(state: PresentityState, ended: readonly EndedSubscription[], nowMs: number) {
    this.#nowMs = nowMs
    this.#state = state
    this.#ended = ended
  }

  of(subscription: Subscription): PresenceView | WinfoView {
    if (subscription.eventPackage === 'presence') {
      this.#presence ??= new PresenceView(this.#state, this.#nowMs)
      return this.#presence
    }
    this.#winfo ??= WinfoView.of(this.#state, this.#ended)
    return this.#winfo
  }
}
