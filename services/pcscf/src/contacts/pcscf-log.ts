import { assert, assertNever, type Clock, type Random, RollcallError, type Timer } from '@rollcall/core'
import type { Logger } from '@rollcall/runtime'
import {
  connectStore,
  type OwnedPartition,
  PartitionLogs,
  Sealer,
  type StoreConnection,
  type StoreTls,
  StoreUnavailableError,
} from '@rollcall/store'
import type { ChangeLog } from '../context.ts'
import { PartitionLostError } from '../errors.ts'
import { SealedTokenKeys } from '../token/sealed-token-keys.ts'
import type { DatedTokenKey, TokenKeyRing } from '../token/token-key-ring.ts'
import type { ContactTable } from './contact-table.ts'
import { type Change, decodeRecord, encodeRecord } from './record.ts'

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
  /** Somebody else owns the partition now: this process must end. */
  readonly onLost: (error: PartitionLostError) => void
}

type State =
  | { readonly kind: 'opening'; readonly problem: string }
  | { readonly kind: 'open'; readonly partition: OwnedPartition; readonly sealed: SealedTokenKeys }
  | { readonly kind: 'closed' }

/**
 * This P-CSCF's own partition of the log: contacts and token keys. It is read once, at the start, and from then on only
 * written. Until it is read nothing new is registered, and `problem` says why.
 */
export class PcscfLog implements ChangeLog, AsyncDisposable {
  readonly #o: PcscfLogOptions
  readonly #abort = new AbortController()
  #state: State = { kind: 'opening', problem: 'store-connecting' }
  #connection: StoreConnection | undefined
  #opening: Promise<void> | undefined
  #rotation: Timer | undefined
  /** Token keys in the log that are sealed by an older key. */
  #outdated: readonly DatedTokenKey[] = []

  constructor(options: PcscfLogOptions) {
    this.#o = options
  }

  /** Begins to open the log; goes on trying until it is open. */
  start(): void {
    assert(!this.#opening, 'the log is opened once')
    this.#opening = this.#open()
  }

  get isAvailable(): boolean {
    return this.#state.kind === 'open' && this.#state.partition.isAvailable
  }

  /** What keeps the log from being used: a stable code. */
  get problem(): string | undefined {
    switch (this.#state.kind) {
      case 'opening':
        return this.#state.problem
      case 'open':
        return this.#state.partition.isAvailable ? undefined : 'store-unavailable'
      case 'closed':
        return 'store-closed'
      default:
        return assertNever(this.#state)
    }
  }

  /** Whether the log has been read: what is registered is known. */
  get isLoaded(): boolean {
    return this.#state.kind === 'open'
  }

  /** Whether the log's token keys are sealed by the current key: what sealed them before may go. */
  get isResealed(): boolean {
    return this.#state.kind === 'open' && this.#outdated.length === 0
  }

  async append(change: Change, traceparent: string): Promise<void> {
    if (this.#state.kind !== 'open') throw new StoreUnavailableError('closed', 'refused')
    const record = encodeRecord(change, { atMs: this.#o.clock.now(), traceparent })
    await this.#state.partition.append(record, { traceparent })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort()
    this.#rotation?.cancel()
    const state = this.#state
    this.#state = { kind: 'closed' }
    if (state.kind === 'open') await state.partition.release()
    await this.#opening
    await this.#connection?.[Symbol.asyncDispose]()
  }

  async #open(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        await this.#tryOpen()
        return
      } catch (error) {
        if (this.#abort.signal.aborted) return
        if (!(error instanceof RollcallError)) throw error
        this.#state = { kind: 'opening', problem: error.code }
        this.#o.log.error({ err: error }, 'the log cannot be used; nothing is registered until it can')
      }
      await this.#pause()
    }
  }

  async #tryOpen(): Promise<void> {
    const { clock, contacts, log, partition: name, realm, tokens, url, tls } = this.#o
    const { signal } = this.#abort
    const sealer = await Sealer.load(this.#o.sealingKeysFile)
    this.#connection ??= await connectStore({ url, tls, service: 'pcscf', clock, signal })
    const logs = await PartitionLogs.open({ connection: this.#connection, service: 'pcscf', realm, clock })
    contacts.clear()
    tokens.clear()
    const sealed = new SealedTokenKeys(sealer, name)
    const partition = await logs.take(name, ({ record }) => this.#apply(decodeRecord(record), sealed))
    let outdated: readonly DatedTokenKey[]
    try {
      outdated = this.#openKeys(sealed)
    } catch (error) {
      await partition.release()
      throw error
    }
    contacts.sweep(clock.now())
    if (signal.aborted) {
      await partition.release()
      return
    }
    this.#watch(partition)
    this.#state = { kind: 'open', partition, sealed }
    this.#outdated = outdated
    log.info({ partition: name, contacts: contacts.size }, 'the log is open')
    await this.#lookAtKeys()
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
      this.#state = { kind: 'opening', problem: 'PCSCF_PARTITION_LOST' }
      this.#o.onLost(new PartitionLostError(partition.partition, { cause }))
    })
  }

  /**
   * Makes a new token key when it is time, or when there is none yet; only one that is durable makes tokens. What an older
   * sealing key sealed is sealed anew first: from then on that key may go.
   */
  async #lookAtKeys(): Promise<void> {
    const { clock, log, random, tokens, tokenKeyRotateMs } = this.#o
    if (this.#state.kind !== 'open') return
    const { sealed } = this.#state
    try {
      for (const key of this.#outdated) await this.append({ kind: 'token-key-added', ...sealed.seal(key) }, '')
      if (this.#outdated.length > 0) log.info({ keys: this.#outdated.length }, 'flow token keys are sealed anew')
      this.#outdated = []
      if (clock.now() >= tokens.dueAtMs(tokenKeyRotateMs)) {
        const key = tokens.nextKey(random, clock.now())
        await this.append({ kind: 'token-key-added', ...sealed.seal(key) }, '')
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

  async #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#o.clock.setTimer(RETRY_MS, resolve)
    this.#abort.signal.addEventListener('abort', () => resolve(), { once: true })
    await promise
    timer.cancel()
  }
}
