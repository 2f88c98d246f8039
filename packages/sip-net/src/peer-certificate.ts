import type { TLSSocket } from 'node:tls'

/** What a peer's certificate says, which an authority that we trust has signed. */
export interface PeerCertificate {
  /** Its alternative names as Node prints them: `URI:…, DNS:…`. Who reads them knows how they are quoted. */
  readonly subjectAltName: string
  readonly notAfterMs: number
}

/** The certificate of a handshake that has succeeded; undefined when the peer showed none that counts. */
export function peerCertificateOf(socket: TLSSocket): PeerCertificate | undefined {
  const certificate = socket.getPeerX509Certificate()
  // The handshake has refused every other one; it is looked at once more where it is believed.
  if (!socket.authorized || !certificate) return undefined
  return { subjectAltName: certificate.subjectAltName ?? '', notAfterMs: certificate.validToDate.getTime() }
}
