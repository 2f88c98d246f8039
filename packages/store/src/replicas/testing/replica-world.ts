import { seededRandom, VirtualClock } from '@rollcall/core'
import { LogTruncatedError } from '../../errors.ts'
import { leaseStreamOf, logStreamsOf, logSubject, shardStreamName } from '../../layout.ts'
import { decodeLogHeader } from '../../log/log-message.ts'
import type { OwnedPartition } from '../../log/owned-partition.ts'
import { PartitionLogs } from '../../log/partition-logs.ts'
import { JetStreamModel } from '../../testing/jetstream-model.ts'
import { type Fate, ModelLink } from '../../testing/model-link.ts'
import type { ModelMessage } from '../../testing/model-stream.ts'
import { settled } from '../../testing/scripted-link.ts'
import { LeaseFormatError } from '../errors.ts'
import type { HeldPartition, TakeContext } from '../held-partition.ts'
import { decodeLease, type LeaseRecord } from '../lease-record.ts'
import type { LeaseTiming } from '../lease-timing.ts'
import type { ReplicaEvent } from '../replica-event.ts'
import { Replicas } from '../replicas.ts'

const REALM = 'ims.example.org'
const SHAPE = { partitions: 16, shards: 4 }
const RECORD = Buffer.from('a record')
/** How often it is looked whether what is waited for is so. */
const STEP_MS = 1

export const LEASES = 'presence_lease'
export const leaseSubject = (replica: string): string => `presence.ims_example_org.lease.${replica}`

/** One process of the world: a replica with what it holds. */
export class Process {
  readonly name: string
  readonly link: ModelLink
  readonly events: ReplicaEvent[] = []
  readonly held = new Map<number, HeldPartition & { sole: boolean; readonly tookAtMs: number }>()
  /** What each partition was taken with last. */
  readonly floors = new Map<number, bigint>()
  readonly #owned = new Map<number, OwnedPartition>()
  readonly #world: ReplicaWorld
  readonly #tellLost = new Map<number, (why: unknown) => void>()
  replicas: Replicas | undefined
  /** How long a take, or a release, is busy with itself. */
  loadMs = 0
  drainMs = 0
  takeError: Error | undefined
  /** Requests to the store are not answered. */
  isHung = false
  /** A release writes one more record. */
  appendsLast = false

  constructor(world: ReplicaWorld, name: string, o: { hasHints?: boolean }) {
    this.#world = world
    this.name = name
    this.link = new ModelLink({
      model: world.model,
      clock: world.clock,
      fateOf: (subject) => this.#fateOf(subject),
      ...o,
    })
  }

  get kinds(): string[] {
    return this.events.map(({ kind }) => kind)
  }

  async join(timing: Partial<LeaseTiming> = {}): Promise<void> {
    const { clock } = this.#world
    const connection = this.link
    const logs = await this.#world.finish(PartitionLogs.open({ connection, service: 'presence', realm: REALM, clock }))
    const joining = Replicas.join({
      connection,
      service: 'presence',
      realm: REALM,
      replica: this.name,
      target: `${this.name}:7443`,
      partitions: SHAPE.partitions,
      clock,
      random: seededRandom(`${this.name} ${this.#world.clock.now()}`),
      timing,
      take: (partition, context) => this.#take(logs, partition, context),
      onEvent: (event) => this.#onEvent(event),
    })
    this.replicas = await this.#world.finish(joining)
  }

  /** The process ends without a word. */
  kill(): void {
    this.link.close()
    this.held.clear()
  }

  /** Writes a record into each partition that is held; what is refused or not answered is let be. */
  async append(): Promise<void> {
    await Promise.allSettled([...this.held.keys()].map((partition) => this.#owned.get(partition)?.append(RECORD)))
  }

  /** A partition is lost here, as if an append had found it to be another's. */
  lose(partition: number): void {
    this.#tellLost.get(partition)?.('lost')
  }

  async #take(logs: PartitionLogs, partition: number, context: TakeContext): Promise<HeldPartition> {
    await this.#world.wait(this.loadMs)
    if (this.takeError) throw this.takeError
    this.floors.set(partition, context.floor)
    const owned = await logs.take(partition, () => {}, context)
    this.#owned.set(partition, owned)
    const { promise: lost, resolve } = Promise.withResolvers<unknown>()
    this.#tellLost.set(partition, resolve)
    const held = {
      epoch: owned.epoch,
      get acknowledged() {
        return owned.acknowledged
      },
      lost,
      sole: false,
      tookAtMs: this.#world.clock.monotonic(),
      release: async () => {
        await this.#world.wait(this.drainMs)
        if (this.appendsLast) await owned.append(RECORD)
        await owned.release()
        this.held.delete(partition)
      },
      drop: () => void this.held.delete(partition),
    }
    this.held.set(partition, held)
    void context.sole.then(() => {
      held.sole = true
    })
    return held
  }

  #onEvent(event: ReplicaEvent): void {
    this.events.push(event)
    if (event.kind === 'take-failed' && event.error instanceof LogTruncatedError) this.#world.missed(event.error)
  }

  #fateOf(subject: string): Fate {
    const isServed = (): boolean => !this.isHung && this.#world.isServed(subject)
    return { arrivesAfterMs: [0.25], answeredAfterMs: 0.25, isServed, ...this.#world.fate?.(subject, this.name) }
  }
}

/** Undefined for one that a test made unreadable. */
function leaseOf(data: Uint8Array): LeaseRecord | undefined {
  try {
    return decodeLease(data)
  } catch (error) {
    if (error instanceof LeaseFormatError) return undefined
    throw error
  }
}

/** Replicas over a model of the store, on one virtual clock. */
export class ReplicaWorld {
  readonly clock = new VirtualClock()
  readonly model = new JetStreamModel([...logStreamsOf('presence', SHAPE), leaseStreamOf('presence')])
  readonly processes: Process[] = []
  /** By partition, the sequences of all records that were ever stored. */
  readonly recorded = new Map<number, bigint[]>()
  readonly #faults: string[] = []
  readonly #lost = new Set<string>()
  /** Whether the store serves a request. */
  isServed: (subject: string) => boolean = () => true
  /** What becomes of a request, if not what usually does. */
  fate: ((subject: string, replica: string) => Partial<Fate>) | undefined

  constructor() {
    this.model.onStored.push((stream, message) => {
      if (stream === LEASES) this.#checkFloors(message)
      else if (message.subject.includes('.log.')) this.#noteRecord(message)
    })
  }

  async start(name: string, o: { hasHints?: boolean; timing?: Partial<LeaseTiming> } = {}): Promise<Process> {
    const started = new Process(this, name, o)
    this.processes.push(started)
    await started.join(o.timing)
    return started
  }

  /** Lets time pass, and everything happen that falls due, and looks at all that must always be so. */
  async run(ms: number): Promise<void> {
    const endMs = this.clock.monotonic() + ms
    while (this.clock.monotonic() < endMs) {
      this.clock.advance(Math.min(this.clock.nextDueInMs, endMs - this.clock.monotonic()))
      await settled()
      this.#check()
    }
  }

  /** Runs until something is so, and gives how long that took. */
  async until(isSo: () => boolean, limitMs = 20_000): Promise<number> {
    const startMs = this.clock.monotonic()
    while (!isSo()) {
      if (this.clock.monotonic() - startMs > limitMs) throw new Error(`not so within ${limitMs} ms: ${isSo}`)
      await this.run(STEP_MS)
    }
    return this.clock.monotonic() - startMs
  }

  /** Runs until something is done. */
  async finish<T>(act: Promise<T>): Promise<T> {
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    act.then(over, over)
    while (!isOver) await this.run(STEP_MS)
    return await act
  }

  /** The store loses the end of a log, from a sequence on, without a word. */
  lose(partition: number, from: number): void {
    const subject = logSubject('presence', REALM, String(partition))
    this.model.stream(shardStreamName('presence', partition % SHAPE.shards)).lose(subject, from)
    this.#lost.add(subject)
  }

  /** A log was found to be cut off. */
  missed({ subject, message }: LogTruncatedError): void {
    if (!this.#lost.has(subject)) this.#faults.push(message)
  }

  wait(ms: number): Promise<void> {
    return ms === 0 ? Promise.resolve() : new Promise((resolve) => void this.clock.setTimer(ms, resolve))
  }

  /** What was ever seen that must not be. */
  get faults(): readonly string[] {
    return this.#faults
  }

  /** By process, the partitions it serves. */
  get shares(): string[] {
    return this.processes.map(({ name, held }) => `${name}: ${[...held.keys()].sort((a, b) => a - b).join()}`)
  }

  /** True when every partition is held, by one. */
  get isWhole(): boolean {
    const all = this.processes.flatMap(({ held }) => [...held.keys()])
    return all.length === SHAPE.partitions && new Set(all).size === SHAPE.partitions
  }

  #noteRecord({ subject, sequence, data }: ModelMessage): void {
    const partition = Number(subject.split('.').at(-1))
    const records = this.recorded.get(partition) ?? []
    this.recorded.set(partition, records)
    if (decodeLogHeader(Buffer.from(data)).kind !== 'epoch') records.push(BigInt(sequence))
  }

  /** No lease says more of a log than what lies in it. */
  #checkFloors({ subject, data }: ModelMessage): void {
    const { floors } = leaseOf(data) ?? { floors: [] }
    for (const [partition, floor] of floors) {
      if (!this.recorded.get(partition)?.includes(floor))
        this.#faults.push(`${subject} has ${partition} reach ${floor}`)
    }
  }

  /** Of those who may tell of a partition, only the newest may believe that it is the only one. */
  #check(): void {
    for (let partition = 0; partition < SHAPE.partitions; partition += 1) {
      const telling = this.processes.flatMap(({ name, held, replicas }) => {
        const one = held.get(partition)
        return one && replicas?.lease.isLive ? [{ name, ...one }] : []
      })
      const [newest, ...others] = telling.sort((one, other) => Number(other.epoch - one.epoch))
      if (newest?.sole && others.length > 0)
        this.#faults.push(`${partition} is told of by ${telling.map(({ name }) => name).join(' and ')}`)
    }
  }
}
