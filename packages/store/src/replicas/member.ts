/** One replica of a service as the others see it. */
export interface Member {
  /** Its name, the pod's: one token of a subject. It outlives a restart. */
  readonly replica: string
  /** Fresh at each start of the process, and after each revocation. */
  readonly incarnation: string
  /** `HOST:PORT` of its gRPC listener. */
  readonly target: string
  /** Who leaves takes nothing more, and hands over what it holds. */
  readonly state: 'serving' | 'leaving'
  /** Partitions that it serves or still drains, each with the epoch that it took it by. */
  readonly held: ReadonlyMap<number, bigint>
}

/** Where a partition is served now. */
export type Whereabouts =
  | { readonly kind: 'here' }
  | { readonly kind: 'at'; readonly member: Member }
  /** It changes hands, or nobody has it yet: wait a moment and look again. */
  | { readonly kind: 'moving' }
