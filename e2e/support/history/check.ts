import { excerpt } from './excerpt.ts'
import type { HistoryEvent, NotifyEvent, PolicyEvent, PublishEvent } from './history.ts'

/** Something in a history that must not be. */
export interface Violation {
  readonly rule: 'lost' | 'not-told' | 'told-though-blocked' | 'accepted-though-blocked' | 'told-for-nothing' | 'order'
  readonly detail: string
  /** The event that shows it. */
  readonly at?: HistoryEvent
}

/** At most this many are spelt out: the first ones tell what went wrong. */
const SPELT_MAX = 20

/** @throws Error that spells the violations out, when there are any, with what happened around the first one. */
export function refuteAll(violations: readonly Violation[], events: Events = []): void {
  const [first] = violations
  if (!first) return
  const lines = violations.slice(0, SPELT_MAX).map(({ rule, detail }) => `${rule}: ${detail}`)
  const around = first.at ? excerpt(events, first.at) : []
  throw new Error([`${violations.length} violations`, ...lines, ...around].join('\n'))
}

export interface BlockedRules {
  /**
   * A NOTIFY that left before the acknowledgement may arrive so much after it. What shows a state that was published
   * only after the acknowledgement is a fault however soon it comes.
   */
  readonly slackMs: number
}

type Events = readonly HistoryEvent[]

/**
 * After the acknowledgement of a change that blocks, no NOTIFY with content comes to that watcher, and no subscription of
 * its is accepted, until a change that lets it in again has begun.
 *
 * @see ARCHITECTURE, decision 3
 */
export function checkBlocked(events: Events, rules: BlockedRules): Violation[] {
  const published = new Map(of(events, 'publish').map((event) => [`${event.presentity} ${event.state}`, event]))
  const spans = groupBy(blockedSpans(events), spanKey)
  const violations: Violation[] = []
  for (const event of events) {
    if (event.kind === 'notify' && event.shows !== undefined) {
      const own = spans.get(spanKey(event))
      const span = own?.find(({ fromMs, toMs }) => event.atMs > fromMs && event.atMs < toMs)
      if (!span) continue
      const shown = published.get(`${event.presentity} ${event.shows}`)
      const isNew = shown !== undefined && shown.beginMs >= span.fromMs
      const lateMs = event.atMs - span.fromMs
      if (!isNew && lateMs <= rules.slackMs) continue
      const what = isNew ? `state ${event.shows}, published after it` : `a document, ${lateMs.toFixed(0)} ms after it`
      violations.push({
        rule: 'told-though-blocked',
        at: event,
        detail: `${event.watcher} was blocked by ${event.presentity} at ${span.fromMs.toFixed(0)} and told ${what} (${event.subscriptionState}, CSeq ${event.cseq} of ${event.dialog} at ${event.atMs.toFixed(0)})`,
      })
    } else if (event.kind === 'subscribe' && event.outcome === 'ok') {
      const own = spans.get(spanKey(event))
      const span = own?.find(({ fromMs, toMs }) => event.beginMs > fromMs && event.endMs < toMs)
      if (!span) continue
      violations.push({
        rule: 'accepted-though-blocked',
        at: event,
        detail: `${event.watcher} was blocked by ${event.presentity} at ${span.fromMs.toFixed(0)}, and its SUBSCRIBE ${event.dialog} of ${event.beginMs.toFixed(0)} was accepted`,
      })
    }
  }
  return violations
}

/** A time in which a watcher is blocked for sure. */
interface BlockedSpan {
  readonly presentity: string
  readonly watcher: string
  readonly fromMs: number
  readonly toMs: number
}

function spanKey({ presentity, watcher }: { readonly presentity: string; readonly watcher: string }): string {
  return `${presentity} ${watcher}`
}

/** From the acknowledgement of a change that blocks to the begin of the next one that may not. */
function blockedSpans(events: Events): BlockedSpan[] {
  const spans: BlockedSpan[] = []
  for (const [presentity, changes] of groupBy(of(events, 'policy'), (change) => change.presentity)) {
    const ordered = changes.toSorted((a, b) => a.beginMs - b.beginMs)
    const watchers = new Set(ordered.flatMap(({ blocked }) => blocked))
    for (const watcher of watchers) spans.push(...spansOf(presentity, watcher, ordered))
  }
  return spans
}

function spansOf(presentity: string, watcher: string, changes: readonly PolicyEvent[]): BlockedSpan[] {
  const spans: BlockedSpan[] = []
  let fromMs: number | undefined
  for (const change of changes) {
    const isBlocking = change.blocked.includes(watcher)
    if (isBlocking && change.outcome === 'ok') fromMs ??= change.endMs
    else if (!isBlocking && fromMs !== undefined) {
      spans.push({ presentity, watcher, fromMs, toMs: change.beginMs })
      fromMs = undefined
    }
  }
  if (fromMs !== undefined) spans.push({ presentity, watcher, fromMs, toMs: Number.POSITIVE_INFINITY })
  return spans
}

/**
 * What somebody saw of a presentity after all was quiet: nothing acknowledged is missing, nothing is there that nobody
 * published. `shows` as in a NOTIFY.
 */
export interface Look {
  readonly presentity: string
  readonly shows: number | undefined
}

/** Every state that was answered 2xx is there, or one that came after it. */
export function checkLost(events: Events, looks: readonly Look[]): Violation[] {
  const published = publishes(events)
  const violations: Violation[] = []
  for (const { presentity, shows } of looks) {
    const { acknowledged, attempted } = boundsOf(published.get(presentity) ?? [])
    const seen = shows ?? -1
    if (seen >= acknowledged && seen <= attempted) continue
    violations.push({
      rule: 'lost',
      detail: `${presentity} shows state ${seen}, acknowledged ${acknowledged}, attempted ${attempted}`,
    })
  }
  return violations
}

/** The last NOTIFY in each dialog that is still there shows the newest state. Ask when all is quiet. */
export function checkTold(events: Events): Violation[] {
  const published = publishes(events)
  const notifies = groupBy(of(events, 'notify'), ({ dialog }) => dialog)
  const left = new Set(of(events, 'leave').map(({ dialog }) => dialog))
  const violations: Violation[] = []
  for (const { dialog, presentity, outcome } of of(events, 'subscribe')) {
    if (outcome !== 'ok' || left.has(dialog)) continue
    const last = accepted(notifies.get(dialog) ?? []).at(-1)
    if (last?.subscriptionState === 'terminated') continue
    const { acknowledged, attempted } = boundsOf(published.get(presentity) ?? [])
    const seen = last?.shows ?? -1
    if (last && seen >= acknowledged && seen <= attempted) continue
    violations.push({
      rule: 'not-told',
      detail: `${dialog} was told state ${last ? seen : 'nothing'} of ${presentity} last, acknowledged ${acknowledged}, attempted ${attempted}`,
    })
  }
  return violations
}

/** In that time, nobody is told anything of these presentities: nothing of theirs changed. */
export function checkUntouched(
  events: Events,
  o: { readonly presentities: ReadonlySet<string>; readonly fromMs: number; readonly toMs: number },
): Violation[] {
  const known = new Set<string>()
  const violations: Violation[] = []
  for (const notify of of(events, 'notify')) {
    const id = `${notify.dialog} ${notify.branch}`
    const isAgain = known.has(id)
    known.add(id)
    // One that comes twice is the hop's doing (ARCHITECTURE, decision 11).
    if (isAgain || !o.presentities.has(notify.presentity)) continue
    if (notify.atMs < o.fromMs || notify.atMs > o.toMs) continue
    const detail = `${notify.watcher} was told of ${notify.presentity} at ${notify.atMs.toFixed(0)} (CSeq ${notify.cseq} of ${notify.dialog})`
    violations.push({ rule: 'told-for-nothing', detail, at: notify })
  }
  return violations
}

/** An owner's CSeqs in one dialog begin a stride above those of the one before it (ARCHITECTURE, decision 4). */
const CSEQ_STRIDE = 0x1_0000

/**
 * In each dialog the CSeq of NOTIFYs grows, and what is shown does not go back. What an owner sent before it was replaced
 * may come late: its CSeq is a stride lower, so that a watcher refuses it, and that is no fault.
 */
export function checkOrder(events: Events): Violation[] {
  const violations: Violation[] = []
  for (const [dialog, notifies] of groupBy(of(events, 'notify'), (notify) => notify.dialog)) {
    const byCseq = new Map<number, NotifyEvent>()
    let newest: NotifyEvent | undefined
    let shown = -1
    for (const notify of notifies) {
      const same = byCseq.get(notify.cseq)
      if (same && same.branch !== notify.branch) {
        violations.push({ rule: 'order', at: notify, detail: `two NOTIFYs of ${dialog} have CSeq ${notify.cseq}` })
      }
      if (same) continue
      byCseq.set(notify.cseq, notify)
      if (newest && notify.cseq < newest.cseq) {
        if (ordinal(notify) === ordinal(newest)) {
          violations.push({
            rule: 'order',
            at: notify,
            detail: `CSeq ${notify.cseq} of ${dialog} came after ${newest.cseq}`,
          })
        }
        continue
      }
      newest = notify
      // A document without a state says that they ran out.
      if (notify.shows === undefined || notify.shows < 0) continue
      if (notify.shows < shown) {
        violations.push({
          rule: 'order',
          at: notify,
          detail: `${dialog} was told state ${notify.shows} of ${notify.presentity} (CSeq ${notify.cseq}) after ${shown}`,
        })
      }
      shown = Math.max(shown, notify.shows)
    }
  }
  return violations
}

/** Which owner of a row of them sent it. */
function ordinal({ cseq }: NotifyEvent): number {
  return Math.floor(cseq / CSEQ_STRIDE)
}

/** The NOTIFYs of one dialog that its watcher does not refuse as out of order (RFC 3261 section 12.2.2). */
export function accepted(notifies: readonly NotifyEvent[]): NotifyEvent[] {
  const taken: NotifyEvent[] = []
  for (const notify of notifies) {
    const last = taken.at(-1)
    if (!last || notify.cseq > last.cseq) taken.push(notify)
  }
  return taken
}

function boundsOf(published: readonly PublishEvent[]): { acknowledged: number; attempted: number } {
  let [acknowledged, attempted] = [-1, -1]
  for (const { state, outcome } of published) {
    attempted = Math.max(attempted, state)
    if (outcome === 'ok') acknowledged = Math.max(acknowledged, state)
  }
  return { acknowledged, attempted }
}

function publishes(events: Events): Map<string, PublishEvent[]> {
  return groupBy(of(events, 'publish'), ({ presentity }) => presentity)
}

function of<K extends HistoryEvent['kind']>(events: Events, kind: K): Extract<HistoryEvent, { kind: K }>[] {
  return events.filter((event): event is Extract<HistoryEvent, { kind: K }> => event.kind === kind)
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}
