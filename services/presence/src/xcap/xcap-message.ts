/** An XCAP request whose sender the Authentication Proxy has authenticated. */
export interface XcapMessage {
  readonly method: string
  /** Path and query as they came. */
  readonly target: string
  /** Public identities of the sender, asserted by the proxy (TS 33.222 clause 6.5). */
  readonly identities: readonly string[]
  readonly contentType: string | undefined
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  readonly body: Buffer
  readonly traceparent: string
}

/** Its answer; the headers are few and each there once. */
export interface XcapAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}
