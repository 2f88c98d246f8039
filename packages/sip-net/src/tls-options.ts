import { constants } from 'node:crypto'
import { isIP } from 'node:net'
import type { ConnectionOptions, TlsOptions } from 'node:tls'

/** A certificate with its key, and the authorities that peers must be certified by: PEM. */
export interface TlsMaterial {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer
}

/** Where it comes from. The same object as before means that nothing was renewed. */
export interface TlsSource {
  readonly material: TlsMaterial
}

const MIN_VERSION = 'TLSv1.2'

/** TLS as a server: a client without a certificate of our authorities is refused in the handshake (RFC 3261 section 26.3.1). */
export function tlsServerOptions({ cert, key, ca }: TlsMaterial, handshakeMs: number): TlsOptions {
  return {
    cert,
    key,
    ca,
    minVersion: MIN_VERSION,
    handshakeTimeout: handshakeMs,
    // guard: sip-client-certificate — who shows no certificate of our authorities is refused in the handshake
    ...{ requestCert: true, rejectUnauthorized: true },
    // A session that is resumed shows no certificate: each connection shows it anew.
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}

/** TLS as a client. Whose certificate it is, is looked at behind the handshake: names alone say too little. */
export function tlsClientOptions({ cert, key, ca }: TlsMaterial, host: string): ConnectionOptions {
  return {
    cert,
    key,
    ca,
    minVersion: MIN_VERSION,
    rejectUnauthorized: true,
    checkServerIdentity: () => undefined,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  }
}
