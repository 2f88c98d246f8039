import type { PeerCertificate } from './peer-certificate.ts'

/** Where a connection leads. */
export interface StreamTarget {
  /** A name or an address. */
  readonly host: string
  readonly port: number
  /** Who must be there; with another identity it is another target. Empty on TCP. */
  readonly identity: string
  /** On TLS: whether the peer, whose chain was verified, is who is wanted there (RFC 5922 section 7.3). */
  readonly accepts?: (certificate: PeerCertificate) => boolean
}

/** What two targets share that are one. */
export function targetName({ host, port, identity }: StreamTarget): string {
  return `${identity}@${host.toLowerCase()}:${port}`
}
