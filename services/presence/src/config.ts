import { type Config, field, replicaFields, type sharedShape } from '@rollcall/runtime'
import { nodeFields } from '@rollcall/sip-node'
import { DEFAULT_LEASE_TIMING } from '@rollcall/store'
import { DEFAULT_TERMS } from './actor/terms.ts'
import { openShape } from './open/settings.ts'

/** Settings of the Presence Server beside the shared ones. */
export const presenceShape = {
  ROLLCALL_HSS_TARGET: field.hostPort({ is: 'where the HSS answers Sh', example: '127.0.0.1:17001' }),
  ROLLCALL_HOP_ROUTES: field.hopRoutes({
    is: 'next hops by host: the S-CSCFs, whose recorded routes NOTIFYs take',
    example: 'scscf-0.scscf.ims.mnc001.mcc001.3gppnetwork.org=scscf@127.0.0.1:17002',
  }),
  ROLLCALL_PRESENCE_HOST: field
    .domain({
      is: 'own host name, of Contact and Via; without it `presence.` and the realm',
      example: 'presence.ims.mnc001.mcc001.3gppnetwork.org',
    })
    .optional(),
  ...replicaFields({ name: 'presence-0', timing: DEFAULT_LEASE_TIMING }),
  ROLLCALL_XCAP_LISTEN: field
    .addressPort({
      is: 'where the Authentication Proxy brings XCAP requests (Zb); without it nowhere',
      example: '127.0.0.1:17013',
    })
    .optional(),
  ROLLCALL_XCAP_ROOT: field
    .text({
      is: 'XCAP root that users see, with a slash at its end; without it the name of TS 23.003 clause 13.9',
      example: 'https://xcap.ims.mnc001.mcc001.pub.3gppnetwork.org/',
      pattern: /^https:\/\/[a-z0-9.-]+(?::\d{1,5})?\/(?:[a-z0-9._-]+\/)*$/i,
      allowed: 'an https URI that ends with a slash',
    })
    .optional(),
  ROLLCALL_PRESENCE_EXPIRES_MIN_SECONDS: field
    .seconds({ is: 'shortest interval granted to PUBLISH and SUBSCRIBE', example: '60', min: 1, max: 3_600 })
    .default(DEFAULT_TERMS.expiresSecondsMin),
  ROLLCALL_PRESENCE_EXPIRES_MAX_SECONDS: field
    .seconds({ is: 'longest interval granted', example: '86400', min: 3_600, max: 86_400 })
    .default(DEFAULT_TERMS.expiresSecondsMax),
  ROLLCALL_PRESENCE_WAITING_SECONDS: field
    .seconds({
      is: 'how long a watcher who got no word still waits for it when the subscription is over (RFC 3857 section 4.7.1); 0: not at all',
      example: '259200',
      min: 0,
      max: 2_592_000,
    })
    .default(DEFAULT_TERMS.waitingMs / 1_000),
  ROLLCALL_PRESENCE_NOTIFY_TIMEOUT_MS: field
    .milliseconds({
      is: 'how long a NOTIFY may stay unanswered: Timer F of the core',
      example: '32000',
      min: 100,
      max: 128_000,
    })
    .default(32_000),
  ROLLCALL_PRESENCE_NOTIFY_GRACE_MS: field
    .milliseconds({
      is: 'how long a watcher may be out of reach before its subscription ends',
      example: '300000',
      min: 1_000,
      max: 86_400_000,
    })
    .default(300_000),
  ROLLCALL_PRESENCE_NOTIFY_INTERVAL_MS: field
    .milliseconds({
      is: 'shortest time between two changes told to one watcher: the first at once, then merged; RFC 3856 advises 5000',
      example: '1000',
      min: 0,
      max: 60_000,
    })
    .default(1_000),
  ROLLCALL_PRESENCE_WINFO_INTERVAL_MS: field
    .milliseconds({
      is: 'the same for watcher information (RFC 3857 section 4.10)',
      example: '5000',
      min: 0,
      max: 60_000,
    })
    .default(5_000),
  ROLLCALL_PRESENCE_XCAP_DIFF_INTERVAL_MS: field
    .milliseconds({
      is: 'the same for changes of XCAP documents; RFC 5875 section 4.10 advises 5000',
      example: '1000',
      min: 0,
      max: 60_000,
    })
    .default(1_000),
  ROLLCALL_PRESENCE_DIGEST_ALGORITHMS: field
    .listOf(['SHA-512-256', 'SHA-256', 'MD5'], {
      is: 'hash functions that watchers may prove themselves by, the best first (RFC 8760); many phones know MD5 alone',
      example: 'SHA-256',
    })
    .default(['SHA-256', 'MD5']),
  ROLLCALL_PRESENCE_SH_FRESH_MS: field
    .milliseconds({
      is: 'how long a change of a profile may take to count; so long the HSS is not asked again',
      example: '5000',
      min: 0,
      max: 600_000,
    })
    .default(5_000),
  ROLLCALL_PRESENCE_SH_STALE_MS: field
    .milliseconds({
      is: 'how long profiles count while the HSS is away',
      example: '300000',
      min: 0,
      max: 86_400_000,
    })
    .default(300_000),
  ROLLCALL_PRESENCE_SIP_TLS_LISTEN: nodeFields.tlsListen('127.0.0.1:15281'),
  ROLLCALL_PRESENCE_SIP_PEERS: nodeFields.peers('scscf.vendor.example=scscf@tls:scscf.vendor.example:5061'),
  ...openShape,
}

/** What the Presence Server runs by. */
export type PresenceConfig = Config<typeof sharedShape & typeof presenceShape>
