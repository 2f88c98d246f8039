import type { Impu } from '@rollcall/core'
import type { RuleDecision } from '@rollcall/policy'
import type { EndReason } from '../actor/change.ts'
import { DocumentsView } from '../actor/documents-view.ts'
import type { Subscription } from '../actor/state.ts'
import { PresenceView, politeBody } from '../actor/view.ts'
import { type ToldWatchers, WinfoView } from '../actor/winfo-view.ts'
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

/** What there is to see at one moment, by event package. */
export type View = PresenceView | WinfoView | DocumentsView

/** What one watcher is to be told: the state at one moment, and where it goes. */
export interface Notice {
  readonly presentity: Impu
  readonly subscription: Subscription
  /** Present: this is the last NOTIFY of the dialog. */
  readonly ended: EndReason | undefined
  /** It goes without a document: what its watcher may see is not known any more. */
  readonly isBare?: boolean
  readonly view: View
  /** Of watcher information, as it is sent: what its reader knows; absent: nothing, or nobody knows what. */
  readonly told?: ToldWatchers
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
  const view = mergeViews(earlier.view, later.view)
  const oldestSequence = older(earlier.oldestSequence, later.oldestSequence)
  return { ...later, view, oldestSequence }
}

function mergeViews(earlier: View, later: View): View {
  if (earlier instanceof WinfoView && later instanceof WinfoView) return later.replacing(earlier, WINFO_TERMINATED_MAX)
  if (earlier instanceof DocumentsView && later instanceof DocumentsView) return later.replacing(earlier)
  return later
}

/** What rules say of a watcher now. */
export type Ruling = Pick<RuleDecision, 'handling' | 'permissions'>

/**
 * The last words to a watcher as they are after a change of rules: he is told what he may see now, and that he is shut out.
 * His subscription has ended, so that nothing is left that could be decided anew.
 */
export function endedUnder<T extends Pick<Notice, 'ended' | 'subscription' | 'view' | 'isBare'>>(
  notice: T,
  rulingNow: (subscription: Subscription) => Ruling,
): T {
  const { ended, subscription, view, isBare } = notice
  if (!ended || ended === 'rejected' || !(view instanceof PresenceView)) return notice
  const { handling, permissions } = rulingNow(subscription)
  if (handling === 'block') return { ...notice, ended: 'rejected' }
  const isAllowed = handling === 'allow' && subscription.handling === 'allow'
  const isOfAnother = isAllowed && view.permissionsOf(subscription) !== permissions
  // guard: ended-permissions — who may see less by now is not shown more because he has left
  if (isOfAnother && !isBare) return { ...notice, isBare: true }
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
  if (view instanceof DocumentsView) return subscription.xcap && view.body(subscription.xcap, subscription.resource)
  if (view instanceof WinfoView) return view.body(subscription.resource, version, nowMs, notice.told)
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
