/**
 * How an operation ended. `refused`: with an error, and it may have happened all the same when the error came from a node
 * on the way. `unknown`: nobody answered.
 */
export type Outcome = 'ok' | 'refused' | 'unknown'

/** From the moment before the request was sent to the moment after its answer came, in monotonic milliseconds. */
export interface Interval {
  readonly beginMs: number
  /** Infinity while it is under way. */
  readonly endMs: number
}

/** Somebody published the state with this number; the numbers of one presentity grow. */
export interface PublishEvent extends Interval {
  readonly kind: 'publish'
  readonly presentity: string
  readonly state: number
  readonly outcome: Outcome
}

/** Somebody asked to be told of a presentity. */
export interface SubscribeEvent extends Interval {
  readonly kind: 'subscribe'
  readonly presentity: string
  readonly watcher: string
  /** Names the dialog: its Call-ID. */
  readonly dialog: string
  readonly outcome: Outcome
}

/** A watcher asked to be told no more. */
export interface LeaveEvent extends Interval {
  readonly kind: 'leave'
  readonly dialog: string
  readonly outcome: Outcome
}

/** The policy of a presentity was set, as a whole. */
export interface PolicyEvent extends Interval {
  readonly kind: 'policy'
  readonly presentity: string
  /** Who may not watch. */
  readonly blocked: readonly string[]
  readonly outcome: Outcome
}

/** A NOTIFY arrived. */
export interface NotifyEvent {
  readonly kind: 'notify'
  readonly atMs: number
  readonly presentity: string
  readonly watcher: string
  readonly dialog: string
  readonly cseq: number
  /** Its sender's: a NOTIFY that comes twice has the same. */
  readonly branch: string
  readonly subscriptionState: 'active' | 'pending' | 'terminated'
  /** The newest state in its document, -1 when that holds none; undefined when there is no document. */
  readonly shows: number | undefined
}

export type HistoryEvent = PublishEvent | SubscribeEvent | LeaveEvent | PolicyEvent | NotifyEvent
type OperationEvent = Exclude<HistoryEvent, NotifyEvent>
type Started = OperationEvent extends infer E
  ? E extends OperationEvent
    ? Omit<E, 'beginMs' | 'endMs' | 'outcome'>
    : never
  : never

/** A test that records more than this has lost its measure. */
const EVENTS_MAX = 2_000_000

/** What a test did and what it saw, in the order in which it began. */
export class History {
  readonly events: HistoryEvent[] = []
  readonly #now: () => number

  /** @param now monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Writes down that an operation begins; gives what writes down its end. */
  begin(operation: Started): (outcome: Outcome) => void {
    const at = this.#add({
      ...operation,
      beginMs: this.#now(),
      endMs: Number.POSITIVE_INFINITY,
      outcome: 'unknown',
    } as HistoryEvent)
    return (outcome) => {
      const begun = this.events[at] as OperationEvent
      this.events[at] = { ...begun, endMs: this.#now(), outcome }
    }
  }

  /** Writes down a NOTIFY that has just come. */
  notify(notify: Omit<NotifyEvent, 'kind' | 'atMs'>): void {
    this.#add({ kind: 'notify', atMs: this.#now(), ...notify })
  }

  of<K extends HistoryEvent['kind']>(kind: K): Extract<HistoryEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<HistoryEvent, { kind: K }> => event.kind === kind)
  }

  #add(event: HistoryEvent): number {
    if (this.events.length >= EVENTS_MAX) throw new RangeError(`a history holds ${EVENTS_MAX} events`)
    return this.events.push(event) - 1
  }
}
