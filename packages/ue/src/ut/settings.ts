import type { Endpoint } from '../endpoint.ts'

/**
 * How the UE authenticates to the NAF: digest with the key inside of TLS (TS 33.222 clause 5.3), or TLS with the key itself
 * (clause 5.4).
 */
export type UaAccess = 'digest' | 'psk-tls12' | 'psk-tls13'

/** How Ut behaves. */
export interface UtSettings {
  readonly access: UaAccess
  /**
   * The Ua security protocol identifier of the digest inside of TLS: by the connection's cipher suite, as TS 33.220 annex H.3
   * has it, or that of HTTP Digest alone (01 00 00 00 02), as older handsets do.
   */
  readonly uaProtocol: 'cipher-suite' | 'http-digest'
  /** Takes the place of the credentials' `ap`: PSK-TLS has listeners of its own. */
  readonly ap: Endpoint | undefined
  /** The UE calls itself by a temporary name in its next bootstrapping, when the BSF takes that (TS 33.220 annex B.4). */
  readonly usesTmpi: boolean
  readonly tlsVersionMax: 'TLSv1.2' | 'TLSv1.3'
  /** One request and its answer, on Ub and on Ua. */
  readonly timeoutMs: number
  /** TLS connections to the NAF; who finds none free waits in line. */
  readonly connectionsMax: number
}

export const DEFAULT_UT_SETTINGS: UtSettings = {
  access: 'digest',
  uaProtocol: 'cipher-suite',
  ap: undefined,
  usesTmpi: true,
  tlsVersionMax: 'TLSv1.3',
  timeoutMs: 10_000,
  connectionsMax: 4,
}
