import { DialogHistory, PolicyHistory } from '@rollcall/sim/history'
import { excerpt } from './excerpt.ts'
import type { HistoryEvent, NotifyEvent, PolicyEvent, PublishEvent, SubscribeEvent } from './history.ts'

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
 * its is accepted, until a change that lets it in again has begun. From outside it is not seen when a NOTIFY left: it is a
 * fault when it was promised not to leave at each moment at which it may have.
 *
 * @see ARCHITECTURE, decision 3; `PolicyHistory`, by which the simulator judges what it sees leave
 */
export function checkBlocked(events: Events, rules: BlockedRules): Violation[] {
  const published = new Map(of(events, 'publish').map((event) => [`${event.presentity} ${event.state}`, event]))
  const changes = groupBy(of(events, 'policy'), ({ presentity }) => presentity)
  const policies = policiesOf(changes)
  const broken = (event: NotifyEvent | SubscribeEvent, fromMs: number, toMs: number): string | undefined => {
    const within = (changes.get(event.presentity) ?? []).map(({ beginMs }) => beginMs).filter(isBetween(fromMs, toMs))
    const promises = [fromMs, ...within, toMs].map((atMs) => policies.broken({ ...event, atMs }))
    return promises.every((promise) => promise !== undefined) ? promises[0] : undefined
  }
  const violations: Violation[] = []
  for (const event of events) {
    if (event.kind === 'notify' && event.shows !== undefined) {
      const shown = published.get(`${event.presentity} ${event.shows}`)
      // It left neither before its state was published nor long before it came.
      const promise = broken(event, Math.max(event.atMs - rules.slackMs, shown?.beginMs ?? 0), event.atMs)
      const what = `state ${event.shows} (${event.subscriptionState}, CSeq ${event.cseq} of ${event.dialog})`
      if (promise) violations.push({ rule: 'told-though-blocked', at: event, detail: `${promise}: ${what}` })
    } else if (event.kind === 'subscribe' && event.outcome === 'ok') {
      const promise = broken(event, event.beginMs, event.endMs)
      const what = `SUBSCRIBE ${event.dialog} was accepted`
      if (promise) violations.push({ rule: 'accepted-though-blocked', at: event, detail: `${promise}: ${what}` })
    }
  }
  return violations
}

/** The changes of each policy, numbered as they were asked for: each was acknowledged, or given up, before the next. */
function policiesOf(changes: ReadonlyMap<string, readonly PolicyEvent[]>): PolicyHistory {
  const policies = new PolicyHistory()
  for (const [presentity, all] of changes) {
    for (const [i, { beginMs, endMs, blocked, outcome }] of all.entries()) {
      const revision = BigInt(i + 1)
      const isBlocked = (watcher: string): boolean => blocked.includes(watcher)
      policies.stored(presentity, { revision, atMs: beginMs, isBlocked })
      if (outcome === 'ok') policies.acknowledged(presentity, { revision, atMs: endMs })
    }
  }
  return policies
}

function isBetween(fromMs: number, toMs: number): (atMs: number) => boolean {
  return (atMs) => atMs > fromMs && atMs < toMs
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
  const dialogs = new DialogHistory()
  const violations: Violation[] = []
  for (const [dialog, notifies] of groupBy(of(events, 'notify'), (notify) => notify.dialog)) {
    for (const notify of notifies) {
      const fault = dialogs.left({ ...notify, epoch: ordinalOf(notify) })
      if (fault) violations.push({ rule: 'order', at: notify, detail: fault })
    }
    let shown = -1
    for (const notify of accepted(notifies)) {
      // A document without a state says that they ran out.
      if (notify.shows === undefined || notify.shows < 0) continue
      if (notify.shows < shown) {
        const detail = `${dialog} was told state ${notify.shows} of ${notify.presentity} (CSeq ${notify.cseq}) after ${shown}`
        violations.push({ rule: 'order', at: notify, detail })
      }
      shown = Math.max(shown, notify.shows)
    }
  }
  return violations
}

/** Which owner of a row of them sent it. */
function ordinalOf({ cseq }: NotifyEvent): bigint {
  return BigInt(Math.floor(cseq / CSEQ_STRIDE))
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
