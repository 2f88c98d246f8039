import type { SocketAddress, StreamConnection } from '@rollcall/sip-net'
import type { NodePeer } from './peer-table.ts'
import type { SipTransport } from './settings.ts'

/** The way that messages of one peer come and go: a connection, or an address behind a socket. */
export interface Link {
  readonly transport: SipTransport
  /** Where the peer sends from. */
  readonly source: SocketAddress
  /** Undefined: nobody that is known. */
  readonly peer: NodePeer | undefined
  /** Absent over UDP. */
  readonly connection?: StreamConnection
}
