import type { StreamLayout } from '../layout.ts'

/** A message as the model keeps it. */
export interface ModelMessage {
  readonly sequence: number
  readonly subject: string
  readonly data: Uint8Array
  readonly headers: ReadonlyMap<string, string>
}

/** Octets that the model counts for a message beside its data. */
const MESSAGE_OVERHEAD_OCTETS = 64

type Operation =
  | { readonly kind: 'store'; readonly message: ModelMessage; readonly replaces: ModelMessage | undefined }
  | { readonly kind: 'restore-last'; readonly message: ModelMessage }
  | { readonly kind: 'remove'; readonly messages: readonly ModelMessage[] }

/** What one server has of a stream. */
class Copy {
  /** In the order of their sequences. */
  readonly messages: ModelMessage[] = []
  readonly last = new Map<string, ModelMessage>()

  apply(operation: Operation): void {
    if (operation.kind === 'store') {
      if (operation.replaces) this.#remove(operation.replaces)
      this.messages.push(operation.message)
      this.last.set(operation.message.subject, operation.message)
      return
    }
    if (operation.kind === 'restore-last') this.last.set(operation.message.subject, operation.message)
    else for (const message of operation.messages) this.#remove(message)
  }

  #remove(message: ModelMessage): void {
    const at = this.indexOf(message.sequence)
    if (this.messages[at]?.sequence === message.sequence) this.messages.splice(at, 1)
    if (this.last.get(message.subject) === message) this.last.delete(message.subject)
  }

  /** Index of the first message at or behind a sequence. */
  indexOf(sequence: number): number {
    let low = 0
    let high = this.messages.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.messages[middle]?.sequence ?? 0) < sequence) low = middle + 1
      else high = middle
    }
    return low
  }
}

/**
 * One stream of the model: the leader's copy, and one of a replica that may lag. What is stored is durable. Only what our code
 * uses of JetStream is there.
 */
export class ModelStream {
  readonly layout: StreamLayout
  readonly bytesMax: number
  readonly #leader = new Copy()
  readonly #follower = new Copy()
  /** What the follower has not applied yet. */
  readonly #ahead: Operation[] = []
  #lastSequence = 0
  #octets = 0

  constructor(layout: StreamLayout, bytesMax: number) {
    this.layout = layout
    this.bytesMax = bytesMax
  }

  get lastSequence(): number {
    return this.#lastSequence
  }

  get octets(): number {
    return this.#octets
  }

  get count(): number {
    return this.#leader.messages.length
  }

  /** Every message that is there. */
  get messages(): readonly ModelMessage[] {
    return this.#leader.messages
  }

  last(subject: string): ModelMessage | undefined {
    return this.#leader.last.get(subject)
  }

  hasRoom(data: Uint8Array): boolean {
    return this.#octets + data.length + MESSAGE_OVERHEAD_OCTETS <= this.bytesMax
  }

  store(subject: string, data: Uint8Array, headers: ReadonlyMap<string, string>): ModelMessage {
    this.#lastSequence += 1
    const message = { sequence: this.#lastSequence, subject, data, headers }
    const isSingle = this.layout.config.max_msgs_per_subject === 1
    const replaces = isSingle ? this.#leader.last.get(subject) : undefined
    this.#octets += sizeOf(message) - (replaces ? sizeOf(replaces) : 0)
    this.#do({ kind: 'store', message, replaces })
    return message
  }

  /** The next message gets a sequence behind this one. */
  skipTo(sequence: number): void {
    this.#lastSequence = Math.max(this.#lastSequence, sequence)
  }

  /** Removes what matches and lies below a sequence, and gives how many that was. */
  purge(matches: (subject: string) => boolean, below: number): number {
    const messages = this.#leader.messages.filter(({ sequence, subject }) => sequence < below && matches(subject))
    for (const message of messages) this.#octets -= sizeOf(message)
    this.#do({ kind: 'remove', messages })
    return messages.length
  }

  /** A fault: what lies at or behind a sequence of a subject is gone without a word. */
  lose(subject: string, from: number): void {
    const messages = this.#leader.messages.filter((one) => one.sequence >= from && one.subject === subject)
    this.#do({ kind: 'remove', messages })
    const before = this.#leader.messages.findLast((one) => one.subject === subject)
    if (before) this.#do({ kind: 'restore-last', message: before })
  }

  /** Messages from a sequence on, as the leader has them, or a replica that is so many operations behind. */
  *from(sequence: number, lag: number): Iterable<ModelMessage> {
    const copy = this.#copy(lag)
    for (let at = copy.indexOf(sequence); ; at += 1) {
      const message = copy.messages[at]
      if (!message) return
      yield message
    }
  }

  /** The last message of a subject, as above. */
  lastOf(subject: string, lag: number): ModelMessage | undefined {
    return this.#copy(lag).last.get(subject)
  }

  #copy(lag: number): Copy {
    if (lag <= 0) return this.#leader
    for (const operation of this.#ahead.splice(0, Math.max(0, this.#ahead.length - lag)))
      this.#follower.apply(operation)
    return this.#follower
  }

  #do(operation: Operation): void {
    this.#leader.apply(operation)
    this.#ahead.push(operation)
    if (this.#ahead.length > LAG_MAX) for (const old of this.#ahead.splice(0, 1)) this.#follower.apply(old)
  }
}

/** A replica is never further behind than so many operations. */
const LAG_MAX = 64

function sizeOf({ data }: ModelMessage): number {
  return data.length + MESSAGE_OVERHEAD_OCTETS
}
