/** Where a message came from, and where its answer goes. */
export type Flow = UnprotectedFlow | ProtectedFlow

/** Our unprotected port, and the address and port that a UE's unprotected request came from. */
interface UnprotectedFlow {
  readonly kind: 'unprotected'
  readonly address: string
  readonly port: number
}

/**
 * An SA set. Whatever its direction, what we send over UDP leaves from port_pc to port_us (TS 33.203 clause 7.1).
 */
interface ProtectedFlow {
  readonly kind: 'protected'
  readonly setId: string
}

/** Tells flows apart in tables. */
export function flowKey(flow: Flow): string {
  return flow.kind === 'protected' ? flow.setId : `${flow.address}:${flow.port}`
}
