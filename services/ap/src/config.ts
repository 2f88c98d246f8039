import { type Config, field, type sharedShape } from '@rollcall/runtime'
import { UA_PROTOCOLS } from './nafs/naf.ts'
import { MEANS } from './ua/user.ts'

/** Settings of the Authentication Proxy beside the shared ones. */
export const apShape = {
  ROLLCALL_AP_DIGEST_LISTEN: field.addressPort({
    is: 'where UEs come by TLS with the certificate of the NAFs: GBA digest, password, client certificate',
    example: '127.0.0.1:15443',
  }),
  ROLLCALL_AP_PSK_TLS12_LISTEN: field
    .addressPort({ is: 'where UEs come by PSK TLS 1.2; without it nowhere', example: '127.0.0.1:15444' })
    .optional(),
  ROLLCALL_AP_PSK_TLS13_LISTEN: field
    .addressPort({ is: 'where UEs come by PSK TLS 1.3; without it nowhere', example: '127.0.0.1:15445' })
    .optional(),
  ROLLCALL_AP_PUBLIC_CERT_FILE: field.file({
    is: 'certificate that UEs see, for the names of all NAFs, PEM',
    example: '/run/secrets/public/tls.crt',
  }),
  ROLLCALL_AP_PUBLIC_KEY_FILE: field.file({ is: 'its private key, PEM', example: '/run/secrets/public/tls.key' }),
  ROLLCALL_AP_NAF_FQDN: field.domain({
    is: 'name of the NAF, the host of the XCAP root',
    example: 'xcap.ims.mnc001.mcc001.pub.3gppnetwork.org',
  }),
  ROLLCALL_AP_NAFS_FILE: field
    .file({
      is: 'several NAFs on one proxy, each with its means and routes: JSON, see below; what an entry leaves out is as set here',
      example: '/etc/rollcall/nafs.json',
    })
    .optional(),
  ROLLCALL_AP_MEANS: field
    .listOf(MEANS, { is: 'how UEs may show who they are; what is not named is refused', example: 'gba-digest,gba-psk' })
    .default(['gba-digest', 'gba-psk']),
  ROLLCALL_AP_UA_PROTOCOLS: field
    .listOf(UA_PROTOCOLS, {
      is: 'identifiers that the key of GBA digest is derived by, tried in this order: the cipher suite of the connection, and the one for digest outside TLS, which older handsets take',
      example: 'cipher-suite,http-digest',
    })
    .default(['cipher-suite']),
  ROLLCALL_AP_CLIENT_CA_FILE: field
    .file({
      is: 'authorities of UEs’ certificates, PEM; needed for client-certificate',
      example: '/etc/rollcall/ue-ca.crt',
    })
    .optional(),
  ROLLCALL_AP_CLIENT_CRL_FILE: field
    .file({
      is: 'revocation lists of these authorities, one of each, PEM; without it no certificate is looked up. Read again while the service runs; one that has ended lets nobody in',
      example: '/etc/rollcall/ue-ca.crl',
    })
    .optional(),
  ROLLCALL_AP_PASSWORD_ALGORITHMS: field
    .listOf(['SHA-512-256', 'SHA-256', 'MD5'], {
      is: 'hash functions offered for passwords, the best first (RFC 7616)',
      example: 'SHA-256,MD5',
    })
    .default(['SHA-256']),
  ROLLCALL_AP_XCAP_TARGETS: field.hostPorts({
    is: 'replicas of the Presence Server, where documents are (Zb)',
    example: 'presence-0.presence:17203,presence-1.presence:17203',
  }),
  ROLLCALL_BSF_TARGET: field.hostPort({ is: 'the BSF (Zn)', example: 'bsf:17005' }),
  ROLLCALL_HSS_TARGET: field
    .hostPort({ is: 'the HSS, for passwords; needed for password', example: 'hss:17001' })
    .optional(),
  ROLLCALL_AP_NONCE_LIFETIME_MS: field
    .milliseconds({ min: 1_000, max: 86_400_000, is: 'so long a nonce is taken', example: '300000' })
    .default(300_000),
  ROLLCALL_AP_BODY_BYTES_MAX: field
    .count({
      of: 'octets',
      min: 1_024,
      max: 1_048_576,
      is: 'longest body taken from a UE; over it 413',
      example: '65536',
    })
    .default(65_536),
  ROLLCALL_AP_CONNECTIONS_MAX: field
    .count({
      of: 'connections',
      min: 1,
      max: 100_000,
      is: 'connections of UEs to each listener; one more is closed at once',
      example: '10000',
    })
    .default(10_000),
  ROLLCALL_AP_SOURCE_CONNECTIONS_MAX: field
    .count({
      of: 'connections',
      min: 1,
      max: 100_000,
      is: 'of them from one address, or one /64 of IPv6; one more is closed at once. One /48 of IPv6 has half of all connections at most. Where many UEs share an address this must be wide enough for them',
      example: '256',
    })
    .default(256),
  ROLLCALL_AP_HEADER_TIMEOUT_MS: field
    .milliseconds({
      min: 100,
      max: 60_000,
      is: 'so long a UE may take for the header of a request; over it 408',
      example: '5000',
    })
    .default(5_000),
  ROLLCALL_AP_REQUEST_TIMEOUT_MS: field
    .milliseconds({
      min: 100,
      max: 120_000,
      is: 'so long it may take for a whole request; over it 408',
      example: '10000',
    })
    .default(10_000),
  ROLLCALL_AP_IDLE_TIMEOUT_MS: field
    .milliseconds({
      min: 100,
      max: 600_000,
      is: 'a connection on which it asks for nothing more ends after it',
      example: '120000',
    })
    .default(120_000),
  ROLLCALL_AP_ZB_TIMEOUT_MS: field
    .milliseconds({ min: 100, max: 60_000, is: 'so long the server behind may take; over it 504', example: '10000' })
    .default(10_000),
  ROLLCALL_AP_ZB_CONNECTIONS_MAX: field
    .count({ of: 'connections', min: 1, max: 1_000, is: 'connections to each replica behind', example: '64' })
    .default(64),
}

/** What the Authentication Proxy runs by. */
export type ApConfig = Config<typeof sharedShape & typeof apShape>
