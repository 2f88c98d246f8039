/** How a NOTIFY ended, as far as its subscription is concerned. */
export type NotifyOutcome =
  /** The subscriber has it, or will not have this one; the next is sent all the same. */
  | 'delivered'
  /** Nobody there now: the newest state is sent again later. */
  | 'unreachable'
  /** The dialog is gone, and the subscription with it. */
  | 'gone'
  /** It has not left: by then this replica might not tell any more. */
  | 'withdrawn'

/** Final responses that end the subscription (readings, Presence 1; RFC 6665 section 4.2.2). Silence counts as 408. */
const GONE: ReadonlySet<number> = new Set([404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604])

/** What a final response says about the subscription. */
export function notifyOutcome(status: number): NotifyOutcome {
  if (GONE.has(status)) return 'gone'
  return status === 503 ? 'unreachable' : 'delivered'
}
