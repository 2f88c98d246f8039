import { assertNever, type Clock, type Impu } from '@rollcall/core'
import type { LoadedRecord } from '@rollcall/store'
import type { SkippedCriterion } from '../ifc/filter-criteria.ts'
import type { EndReason } from './ended-registration.ts'
import { RecentEnds } from './recent-ends.ts'
import { decodeRecord, type LoggedAnswer, type LoggedChange } from './record.ts'
import { RegSubscriptionTable } from './reg-subscription-table.ts'
import { RegistrationTable, type RemovedChange } from './registration-table.ts'
import { decodeSnapshotPart, type SnapshotPart } from './snapshot-record.ts'

/** What the log of a partition says, in memory: who is bound, who watches, and who has left lately. */
export class PartitionState {
  readonly table: RegistrationTable
  readonly subscriptions = new RegSubscriptionTable()
  readonly ends = new RecentEnds()
  readonly #clock: Clock
  readonly #remember: (answered: LoggedAnswer, atMs: number) => void

  constructor(o: {
    readonly clock: Clock
    readonly onSkipped: (skipped: readonly SkippedCriterion[]) => void
    /** Takes an answer that the log has. */
    readonly remember: (answered: LoggedAnswer, atMs: number) => void
  }) {
    this.table = new RegistrationTable(o.onSkipped)
    this.#clock = o.clock
    this.#remember = o.remember
  }

  /**
   * Takes a record of the log, or of the snapshot before it.
   *
   * @throws RecordUnreadableError
   */
  replay({ record, fromSnapshot }: Pick<LoadedRecord, 'record' | 'fromSnapshot'>): void {
    if (fromSnapshot) this.#restore(decodeSnapshotPart(record))
    else this.#reapply(decodeRecord(record))
  }

  /** Everything as it is in this tick, for a snapshot. */
  parts(): SnapshotPart[] {
    const parts: SnapshotPart[] = [...this.table.sets()].map(({ canonicalImpu, profile, contacts }) => {
      return { kind: 'set', canonicalImpu, profile, contacts: [...contacts.values()] }
    })
    for (const kept of this.subscriptions.all()) parts.push({ kind: 'subscription', ...kept })
    for (const end of this.ends.recent(this.#clock.now())) parts.push({ kind: 'ended', ...end })
    return parts
  }

  /** Takes note of an end, before its change is applied. */
  noteEnd(canonicalImpu: Impu, change: RemovedChange, reason: EndReason, atMs: number): void {
    const { impi, instance, uri, retryAfterSeconds } = change
    const set = this.table.get(canonicalImpu)
    const contact = [...(set?.contacts.values() ?? [])].find((one) => {
      return one.impi === impi && one.instance === instance && (uri === '' || one.uri === uri)
    })
    if (!set || !contact) return
    const ended = { impi: contact.impi, impu: contact.registeredImpu, reason }
    const { profile } = set
    this.ends.add({ atMs, ended, canonicalImpu, contact, retryAfterSeconds, profile }, this.#clock.now())
  }

  #restore(part: SnapshotPart): void {
    switch (part.kind) {
      case 'set':
        this.table.restore(part.canonicalImpu, part.profile, part.contacts)
        return
      case 'answered':
        this.#remember(part.answered, part.atMs)
        return
      case 'ended': {
        const { kind: _, ...end } = part
        this.ends.add(end, this.#clock.now())
        return
      }
      case 'subscription':
        this.subscriptions.apply(part.canonicalImpu, { kind: 'subscribed', subscription: part.subscription })
        return
      default:
        assertNever(part)
    }
  }

  #reapply({ canonicalImpu, change, atMs, answered, reason }: LoggedChange): void {
    if (change.kind === 'subscribed' || change.kind === 'unsubscribed') {
      this.subscriptions.apply(canonicalImpu, change)
      return
    }
    if (change.kind === 'bound') this.ends.delete(change.contact.impi)
    else if (change.kind === 'removed' && reason) this.noteEnd(canonicalImpu, change, reason, atMs)
    this.table.apply(canonicalImpu, change)
    if (answered) this.#remember(answered, atMs)
  }
}
