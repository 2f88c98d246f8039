import type { Msg, MsgHdrs } from '@nats-io/transport-node'
import type { Clock } from '@rollcall/core'

/** What logs and buckets need of a connection: a test can script the answers. */
export interface StoreLink {
  readonly clock: Clock
  readonly isConnected: boolean
  readonly isClosed: boolean
  readonly requests: RequestPort
  /** Calls `listener` at each change of `isConnected`, until the returned function is called. */
  readonly onStatus?: (listener: (status: 'connected' | 'disconnected') => void) => () => void
  /** Overhears what is published to a subject, until the returned function is called: hints, of which none is promised. */
  readonly subscribe?: (subject: string, onMessage: (data: Uint8Array, subject: string) => void) => () => void
}

export interface RequestPort {
  /**
   * Sends a request and gives its one answer.
   *
   * @throws StoreUnavailableError with outcome `open`, or `refused` without a connection; StoreDeniedError
   */
  request(subject: string, payload: Uint8Array, o: { headers?: MsgHdrs; timeoutMs: number }): Promise<Msg>
  /**
   * Sends a request that is answered by any number of messages; `onMessage` says which is the last one. The time-out
   * is for all of them together.
   *
   * @throws StoreUnavailableError, StoreDeniedError, and what `onMessage` throws
   */
  requestMany(
    subject: string,
    payload: Uint8Array,
    o: { timeoutMs: number; onMessage: (message: Msg) => boolean },
  ): Promise<void>
}
