/** How a NOTIFY ended, as far as the subscription is concerned. */
export type NotifyOutcome =
  /** The watcher has it. */
  | 'delivered'
  /** The watcher will not have this one; the next state is sent all the same. */
  | 'refused'
  /** Nobody there now: the newest state is sent again later. */
  | 'unreachable'
  /** The dialog is gone, and the subscription with it. */
  | 'gone'
  /** It has not left: by then it might not any more. */
  | 'withdrawn'

/** Final responses that end the subscription at once (readings, Presence 1; RFC 5057 section 5.1). */
const GONE: ReadonlySet<number> = new Set([404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604])
/** Final responses after which the newest state is sent again (readings, Presence 1). */
const UNREACHABLE: ReadonlySet<number> = new Set([408, 503])

/** What a final response says about the subscription. Silence counts as 408. */
export function notifyOutcome(status: number): NotifyOutcome {
  if (status >= 200 && status < 300) return 'delivered'
  if (GONE.has(status)) return 'gone'
  return UNREACHABLE.has(status) ? 'unreachable' : 'refused'
}
