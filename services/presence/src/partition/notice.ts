import type { Impu } from '@rollcall/core'
import type { SubHandling } from '@rollcall/policy'
import type { EndReason } from '../actor/change.ts'
import type { Subscription } from '../actor/state.ts'
import { type PresenceView, politeBody, WinfoView } from '../actor/view.ts'
import { WINFO_TERMINATED_MAX } from '../limits.ts'

/** What made a NOTIFY necessary. */
export interface NoticeCause {
  /** Of the record in the log. */
  readonly sequence: bigint
  /** Trace context of the request, or empty. */
  readonly traceparent: string
  /** The watcher's own SUBSCRIBE: its NOTIFY belongs to the same trace. */
  readonly isSubscribe: boolean
}

/** What one watcher is to be told: the state at one moment, and where it goes. */
export interface Notice {
  readonly presentity: Impu
  readonly subscription: Subscription
  /** Present: this is the last NOTIFY of the dialog. */
  readonly ended: EndReason | undefined
  /** It goes without a document: what its watcher may see is not known any more. */
  readonly isBare?: boolean
  readonly view: PresenceView | WinfoView
  readonly cause: NoticeCause
  /** The oldest record whose NOTIFY this stands for. */
  readonly oldestSequence: bigint
}

/**
 * The one that is told when `later` comes before `earlier` has been: the newest state, in the name of both. After the
 * last NOTIFY of a dialog there is no other.
 *
 * @see RFC 3856 section 6.10: changes merge into the newest state
 */
export function mergeNotices(earlier: Notice, later: Notice): Notice {
  if (earlier.ended) return earlier
  const view =
    earlier.view instanceof WinfoView && later.view instanceof WinfoView
      ? later.view.replacing(earlier.view, WINFO_TERMINATED_MAX)
      : later.view
  const oldestSequence = older(earlier.oldestSequence, later.oldestSequence)
  return { ...later, view, oldestSequence }
}

/**
 * The last words to a watcher as they are after a change of rules: he is told what he may see now, and that he is shut out.
 * His subscription has ended, so that nothing is left that could be decided anew.
 */
export function endedUnder<T extends Pick<Notice, 'ended' | 'subscription'>>(
  notice: T,
  handlingNow: (subscription: Subscription) => SubHandling,
): T {
  const { ended, subscription } = notice
  if (!ended || ended === 'rejected') return notice
  const handling = handlingNow(subscription)
  if (handling === 'block') return { ...notice, ended: 'rejected' }
  // What it was not let see before, it is not told now that it is over.
  if (handling === 'allow' || handling === subscription.handling) return notice
  return { ...notice, subscription: { ...subscription, handling } }
}

/** The lower of two sequences. */
export function older(one: bigint, other: bigint): bigint {
  if (one < other) return one
  return other
}

/**
 * Body of the NOTIFY; none where the watcher is not to see anything.
 *
 * `version` counts the documents of a watcher information subscription.
 */
export function noticeBody(notice: Notice, version: number, nowMs: number): Buffer | undefined {
  const { subscription, ended, isBare, view } = notice
  if (ended === 'rejected' || isBare) return undefined
  if (view instanceof WinfoView) return view.body(subscription.resource, version, nowMs)
  switch (subscription.handling) {
    case 'allow':
      return view.bodyFor(subscription.resource, subscription)
    case 'polite-block':
      return politeBody(subscription.resource)
    case 'confirm':
    case 'block':
      return undefined
  }
}
