/** A NOTIFY on its way out. */
export interface OutgoingNotify {
  readonly octets: Buffer
  /** Of its topmost Via, which is ours. */
  readonly branch: string
  /** Where it goes first; without a port where the way has its default. */
  readonly host: string
  readonly port: number | undefined
  /** Trace context of its span, or empty. */
  readonly traceparent: string
  readonly nowMs: number
  /** Asked whenever it is about to leave: after no it does not, and has ended. */
  readonly mayLeave: () => boolean
}

/** How a NOTIFY went on: provisional responses, then one end. */
export type NotifyResult =
  | { readonly kind: 'response'; readonly status: number }
  | { readonly kind: 'timeout' | 'unreachable' | 'full' | 'no-route' | 'withdrawn' }

/** One of the ways by which NOTIFYs leave this process. */
export interface NotifyWay {
  /** Of our Via. */
  readonly transport: 'TLS' | 'UDP'
  /** Of our Via and our Contact: a host, and a port when that is not the default. */
  readonly host: string
  /** Whether it leads to `host`. */
  leadsTo(host: string): boolean
  /** Sends; `on` is never called before this returns. */
  send(notify: OutgoingNotify, on: (result: NotifyResult) => void): void
}
