import { assert, assertNever, type Clock, type Random, RollcallError, type Timer } from '@rollcall/core'
import type { Logger } from '@rollcall/runtime'
import {
  connectStore,
  type OwnedPartition,
  PartitionLogs,
  Sealer,
  type StoreConnection,
  StoreOpener,
  type StoreTls,
  StoreUnavailableError,
} from '@rollcall/store'
import type { ChangeLog } from '../context.ts'
import { PartitionLostError } from '../errors.ts'
import { SealedTokenKeys } from '../token/sealed-token-keys.ts'
import type { DatedTokenKey, TokenKeyRing } from '../token/token-key-ring.ts'
import type { ContactTable } from './contact-table.ts'
import { type Change, decodeRecord, encodeRecord } from './record.ts'
import { snapshotRecords } from './snapshot-records.ts'

/** How soon a store that cannot be used is looked at again. A server that is away is waited for by the connection. */
const RETRY_MS = 5_000
/** A rotation that is due is not late by more than this. */
const ROTATION_LOOK_MS_MAX = 3_600_000
const ROTATION_LOOK_MS_MIN = 1_000

export interface PcscfLogOptions {
  readonly url: string
  readonly tls: StoreTls
  readonly realm: string
  /** The pod's name. */
  readonly partition: string
  readonly sealingKeysFile: string
  readonly tokenKeyRotateMs: number
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** What the log is read into. */
  readonly contacts: ContactTable
  readonly tokens: TokenKeyRing
  /** The log has been read. */
  readonly onOpen: () => void
  /** Somebody else owns the partition now: this process must end. */
  readonly onLost: (error: PartitionLostError) => void
}

/** The log when it has been read. */
interface OpenLog {
  readonly partition: OwnedPartition
  readonly sealed: SealedTokenKeys
}

/**
 * This P-CSCF's own partition of the log: contacts and token keys. It is read once, at the start, and from then on only
 * written. Until it is read nothing new is registered, and `problem` says why.
 */
export class PcscfLog implements ChangeLog, AsyncDisposable {
  readonly #o: PcscfLogOptions
  readonly #abort = new AbortController()
  readonly #opener: StoreOpener<OpenLog>
  #connection: StoreConnection | undefined
  #opening: Promise<void> | undefined
  #rotation: Timer | undefined
  #isLost = false
  /** Token keys in the log that are sealed by an older key. */
  #outdated: readonly DatedTokenKey[] = []

  constructor(options: PcscfLogOptions) {
    this.#o = options
    this.#opener = new StoreOpener({
      clock: options.clock,
      open: () => this.#read(),
      // Sealing keys that do not fit are for waiting too: what is registered goes on meanwhile.
      isForWaiting: () => true,
      // Each attempt reads the whole log, and leaves an epoch in it.
      retryMs: RETRY_MS,
      onProblem: (error) => {
        options.log.error({ err: error }, 'the log cannot be used; nothing is registered until it can')
      },
    })
  }

  /** Begins to open the log; goes on trying until it is open. */
  start(): void {
    assert(!this.#opening, 'the log is opened once')
    this.#opening = this.#open()
  }

  get isAvailable(): boolean {
    return this.#log?.partition.isAvailable ?? false
  }

  /** What keeps the log from being used: a stable code. */
  get problem(): string | undefined {
    if (this.#abort.signal.aborted) return 'store-closed'
    if (this.#isLost) return 'PCSCF_PARTITION_LOST'
    const { state } = this.#opener
    if (state.kind === 'opening') return state.problem
    return state.value.partition.isAvailable ? undefined : 'store-unavailable'
  }

  /** Whether the log has been read: what is registered is known. */
  get isLoaded(): boolean {
    return this.#log !== undefined
  }

  /** Whether the log's token keys are sealed by the current key: what sealed them before may go. */
  get isResealed(): boolean {
    return this.#log !== undefined && this.#outdated.length === 0
  }

  async append(change: Change, traceparent: string): Promise<void> {
    const log = this.#log
    if (!log) throw new StoreUnavailableError('closed', 'refused')
    const record = encodeRecord(change, { atMs: this.#o.clock.now(), traceparent })
    const appended = log.partition.append(record, { traceparent })
    this.#snapshotIfDue(log)
    await appended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort()
    this.#rotation?.cancel()
    const { state } = this.#opener
    if (state.kind === 'open') await state.value.partition.release()
    await this.#opening
    await this.#connection?.[Symbol.asyncDispose]()
  }

  get #log(): OpenLog | undefined {
    const { state } = this.#opener
    return state.kind === 'open' && !this.#isLost && !this.#abort.signal.aborted ? state.value : undefined
  }

  async #open(): Promise<void> {
    await this.#opener.run(this.#abort.signal)
    const { state } = this.#opener
    if (state.kind !== 'open') return
    const { partition } = state.value
    if (this.#abort.signal.aborted) {
      await partition.release()
      return
    }
    this.#watch(partition)
    this.#o.onOpen()
    this.#o.log.info({ partition: partition.partition, contacts: this.#o.contacts.size }, 'the log is open')
    this.#snapshotIfDue(state.value)
    await this.#lookAtKeys()
  }

  async #read(): Promise<OpenLog> {
    const { clock, contacts, partition: name, realm, tokens, url, tls } = this.#o
    const { signal } = this.#abort
    const sealer = await Sealer.load(this.#o.sealingKeysFile)
    this.#connection ??= await connectStore({ url, tls, service: 'pcscf', clock, signal })
    const logs = await PartitionLogs.open({ connection: this.#connection, service: 'pcscf', realm, clock })
    contacts.clear()
    tokens.clear()
    const sealed = new SealedTokenKeys(sealer, name)
    const partition = await logs.take(name, ({ record }) => this.#apply(decodeRecord(record), sealed))
    try {
      this.#outdated = this.#openKeys(sealed)
    } catch (error) {
      await partition.release()
      throw error
    }
    contacts.sweep(clock.now())
    return { partition, sealed }
  }

  /**
   * Contacts are in the table in the same tick in which their change is appended, and keys among the sealed ones: what is
   * gathered here is what the log says up to here.
   */
  #snapshotIfDue({ partition, sealed }: OpenLog): void {
    if (!partition.wantsSnapshot) return
    const { clock, contacts, log } = this.#o
    const nowMs = clock.now()
    const records = snapshotRecords([...contacts.all(nowMs)], sealed.records, nowMs)
    partition.snapshot(records).then(
      (result) => log.info({ ...result, mark: String(result.mark) }, 'the log was shortened by a snapshot'),
      (error) => {
        if (!(error instanceof RollcallError)) throw error
        log.warn({ err: error }, 'no snapshot could be written; the log goes on')
      },
    )
  }

  #apply(change: Change, sealed: SealedTokenKeys): void {
    switch (change.kind) {
      case 'contact-bound':
        this.#o.contacts.bind(change.contact)
        return
      case 'contact-removed':
        this.#o.contacts.remove(change.registrationId)
        return
      case 'token-key-added':
        sealed.add(change)
        return
      default:
        assertNever(change)
    }
  }

  #openKeys(sealed: SealedTokenKeys): readonly DatedTokenKey[] {
    const { keys, outdated } = sealed.open()
    for (const key of keys) this.#o.tokens.add(key)
    return outdated
  }

  #watch(partition: OwnedPartition): void {
    void partition.lost.then((cause) => {
      this.#isLost = true
      this.#o.onLost(new PartitionLostError(partition.partition, { cause }))
    })
  }

  /**
   * Makes a new token key when it is time, or when there is none yet; only one that is durable makes tokens. What an older
   * sealing key sealed is sealed anew first: from then on that key may go.
   */
  async #lookAtKeys(): Promise<void> {
    const { clock, log, random, tokens, tokenKeyRotateMs } = this.#o
    const { sealed } = this.#log ?? {}
    if (!sealed) return
    try {
      for (const key of this.#outdated) await this.#appendKey(sealed, key)
      if (this.#outdated.length > 0) log.info({ keys: this.#outdated.length }, 'flow token keys are sealed anew')
      this.#outdated = []
      if (clock.now() >= tokens.dueAtMs(tokenKeyRotateMs)) {
        const key = tokens.nextKey(random, clock.now())
        await this.#appendKey(sealed, key)
        tokens.add(key)
        log.info({ keyId: key.keyId }, 'a new flow token key is in use')
      }
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      // Should the record land all the same, it holds a key that nobody uses, or one that is sealed twice.
      log.warn({ err: error }, 'a flow token key could not be written')
    }
    const dueMs = this.#outdated.length > 0 ? RETRY_MS : tokens.dueAtMs(tokenKeyRotateMs) - clock.now()
    const delayMs = Math.min(Math.max(dueMs, ROTATION_LOOK_MS_MIN), ROTATION_LOOK_MS_MAX)
    this.#rotation = clock.setTimer(delayMs, () => void this.#lookAtKeys())
  }

  async #appendKey(sealed: SealedTokenKeys, key: DatedTokenKey): Promise<void> {
    const sealedKey = sealed.seal(key)
    sealed.add(sealedKey)
    await this.append({ kind: 'token-key-added', ...sealedKey }, '')
  }
}
