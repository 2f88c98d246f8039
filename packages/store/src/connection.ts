import { setTimeout as delay } from 'node:timers/promises'
import { connect, type NatsConnection, type NodeConnectionOptions, errors as natsErrors } from '@nats-io/transport-node'
import type { Clock } from '@rollcall/core'
import { StoreRefusedError, StoreServerIdentityError, StoreUnavailableError } from './errors.ts'
import { inboxPrefixOf } from './layout.ts'
import { Requests } from './requests.ts'
import { checkNatsServerIdentity } from './server-identity.ts'
import type { StoreLink } from './store-link.ts'

/** Wait between two attempts to connect, and what chance adds: short, since everybody waits; spread, since all do. */
const RECONNECT_WAIT_MS = 50
const RECONNECT_JITTER_MS = 100
/** An attempt to connect that takes longer has met a server that hangs. */
const DIAL_MS_MAX = 5_000
/** A server that leaves two of these unanswered is gone, whatever TCP says. */
const PING_INTERVAL_MS = 5_000
const PINGS_OUT_MAX = 2

/** Files of a client's certificate. They are read again at each connection, so that rotation needs no restart. */
export interface StoreTls {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

export type StoreStatus = 'connected' | 'disconnected'

export interface ConnectStoreOptions {
  /** `tls://host:port`, several separated by commas. */
  readonly url: string
  readonly tls: StoreTls
  /** Name of the client, and of its inbox: the service, or `storeadmin`. */
  readonly service: string
  readonly clock: Clock
  readonly onStatus?: (status: StoreStatus) => void
  /** Ends the wait for a server that is not there yet. */
  readonly signal?: AbortSignal
}

/**
 * Connects to NATS by mutual TLS. A server that is not there is waited for; a lost connection is made again, for ever.
 *
 * @throws StoreRefusedError when the server does not take the certificate; StoreServerIdentityError when it is no NATS
 *   server of ours; StoreUnavailableError when `signal` ended the wait.
 */
export async function connectStore(o: ConnectStoreOptions): Promise<StoreConnection> {
  const options = natsOptions(o)
  for (;;) {
    if (o.signal?.aborted) throw new StoreUnavailableError('disconnected', 'refused', o.signal.reason)
    try {
      return new StoreConnection(await connect(options), o)
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal) throw refusal
    }
    await waitForTurn(o.signal)
  }
}

function natsOptions(o: ConnectStoreOptions): NodeConnectionOptions {
  // The type knows fewer fields than the client hands to `tls.connect`.
  const tls = {
    ...o.tls,
    handshakeFirst: true,
    minVersion: 'TLSv1.3',
    checkServerIdentity: checkNatsServerIdentity,
  }
  return {
    name: o.service,
    servers: o.url.split(',').map((url) => url.trim()),
    inboxPrefix: inboxPrefixOf(o.service),
    tls,
    timeout: DIAL_MS_MAX,
    reconnect: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: reconnectWaitMs,
    ignoreAuthErrorAbort: true,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: PINGS_OUT_MAX,
  }
}

function reconnectWaitMs(): number {
  return RECONNECT_WAIT_MS + Math.random() * RECONNECT_JITTER_MS
}

/** A refusal is final; everything else is a server that is not there yet. */
function refusalOf(error: unknown): StoreRefusedError | StoreServerIdentityError | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof StoreServerIdentityError) return cause
    if (cause instanceof natsErrors.AuthorizationError) {
      return new StoreRefusedError('its certificate is no user of this server', error)
    }
    const code = 'code' in cause ? String(cause.code) : ''
    if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || TLS_VERIFY_CODES.has(code)) {
      return new StoreRefusedError(code, error)
    }
    if (/doesn't exist/.test(cause.message)) return new StoreRefusedError(cause.message, error)
  }
  return undefined
}

/** What OpenSSL says of a server's certificate that it cannot verify. */
const TLS_VERIFY_CODES: ReadonlySet<string> = new Set([
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** The wait keeps the process alive, as a connection would; the clock's timers do not. */
async function waitForTurn(signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(reconnectWaitMs(), undefined, signal ? { signal } : {})
  } catch (cause) {
    throw new StoreUnavailableError('disconnected', 'refused', cause)
  }
}

/** A connection to NATS that comes back by itself. */
export class StoreConnection implements StoreLink, AsyncDisposable {
  readonly clock: Clock
  /** Requests to JetStream: for this package. */
  readonly requests: Requests
  readonly #nats: NatsConnection
  readonly #listeners = new Set<(status: StoreStatus) => void>()
  #isConnected = true
  #isClosed = false

  constructor(nats: NatsConnection, o: ConnectStoreOptions) {
    this.#nats = nats
    this.clock = o.clock
    this.requests = new Requests(nats, inboxPrefixOf(o.service), o.clock)
    if (o.onStatus) this.#listeners.add(o.onStatus)
    void this.#watch()
    o.onStatus?.('connected')
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Round trip to the server in milliseconds. */
  async rtt(): Promise<number> {
    try {
      return await this.#nats.rtt()
    } catch (cause) {
      throw new StoreUnavailableError('disconnected', 'refused', cause)
    }
  }

  /** Calls `listener` at each change, until the returned function is called. */
  onStatus(listener: (status: StoreStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Overhears what is published to a subject, as far as the account permits. Without the permission: nothing. */
  subscribe(subject: string, onMessage: (data: Uint8Array, subject: string) => void): () => void {
    const subscription = this.#nats.subscribe(subject, {
      callback: (error, message) => {
        if (!error) onMessage(message.data, message.subject)
      },
    })
    return () => subscription.unsubscribe()
  }

  /** Requests under way fail with an open outcome. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.requests.failAll('closed')
    await this.#nats.close()
    this.#tell('disconnected')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #watch(): Promise<void> {
    for await (const status of this.#nats.status()) {
      switch (status.type) {
        case 'disconnect':
          this.#tell('disconnected')
          this.requests.failAll('disconnected')
          break
        case 'reconnect':
          if (!this.#isClosed) this.requests.resume()
          this.#tell('connected')
          break
        case 'error':
          if (status.error instanceof natsErrors.PermissionViolationError && status.error.operation === 'publish') {
            this.requests.failDenied(status.error.subject)
          }
          break
        default:
      }
    }
  }

  #tell(status: StoreStatus): void {
    const isConnected = status === 'connected' && !this.#isClosed
    if (isConnected === this.#isConnected) return
    this.#isConnected = isConnected
    for (const listener of [...this.#listeners]) listener(isConnected ? 'connected' : 'disconnected')
  }
}
