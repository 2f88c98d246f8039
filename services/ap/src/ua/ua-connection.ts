import type { NafKey } from '../zn/naf-keys.ts'
import type { ShownCertificate } from './client-certificate.ts'

/** What a connection of a UE has shown before its first request. */
export type UaConnection =
  /** The NAF's certificate; what the UE knows comes by HTTP, or by a certificate of its own. */
  | {
      readonly kind: 'certificate'
      readonly suiteName: string
      readonly serverName: string | undefined
      readonly shown: ShownCertificate
    }
  /** That it has Ks_NAF, which TLS itself was made with. */
  | { readonly kind: 'psk'; readonly key: NafKey; readonly serverName: string }
