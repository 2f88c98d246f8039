import type { Until } from '../load/work.ts'

/** Where the UEs of a generator come over Ut, and how many they are. */
export interface UtPlace {
  readonly users: number
  /** First two octets of the UEs' addresses. */
  readonly network: string
  readonly address: string
  readonly bsf: string
  readonly xcapRoot: string
  readonly apPort: number
  readonly caFile: string
}

/**
 * `get` reads a rules document, `put` replaces one element of it, each by GBA digest on a connection that is kept. `notify` puts
 * a rule, and ends with the NOTIFY that shows it to a watcher.
 */
export interface UtWork {
  readonly kind: 'get' | 'put' | 'notify'
  readonly outstanding: number
  readonly until: Until
}
