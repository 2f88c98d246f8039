import { AKA_DIGEST_ALGORITHMS } from '@rollcall/aka'
import { type Config, ConfigError, checkLeaseTiming, field, replicaFields, type sharedShape } from '@rollcall/runtime'
import { type NodeSettings, nodeFields } from '@rollcall/sip-node'
import { DEFAULT_LEASE_TIMING } from '@rollcall/store'

/** Settings of the S-CSCF beside the shared ones. */
export const scscfShape = {
  ROLLCALL_HOP_ROUTES: field.hopRoutes({
    is: 'next hops: the P-CSCFs and the application servers',
    example: 'pcscf-0.pcscf.ims.example.org=pcscf@127.0.0.1:17004,presence.ims.example.org=presence@127.0.0.1:17003',
  }),
  ROLLCALL_HSS_TARGET: field.hostPort({ is: 'where the HSS is', example: '127.0.0.1:17001' }),
  ROLLCALL_SCSCF_HOST: field
    .domain({
      is: 'host name of all replicas, of Service-Route, Record-Route and Via; without it scscf-0.scscf and the realm',
      example: 'scscf-0.scscf.ims.example.org',
    })
    .optional(),
  ...replicaFields({ name: 'scscf-0', timing: DEFAULT_LEASE_TIMING }),
  ROLLCALL_SCSCF_DIGEST_ALGORITHM: field
    .oneOf(AKA_DIGEST_ALGORITHMS, {
      is: 'how challenges are to be answered; AKAv2-MD5 only when every UE knows it (RFC 4169)',
      example: 'AKAv1-MD5',
    })
    .default('AKAv1-MD5'),
  ROLLCALL_SCSCF_REG_AWAIT_AUTH_MS: field
    .milliseconds({
      is: 'reg-await-auth: how long a challenge waits for its answer',
      example: '240000',
      min: 100,
      max: 3_600_000,
    })
    .default(240_000),
  ROLLCALL_SCSCF_EXPIRES_MIN_SECONDS: field
    .seconds({ is: 'shortest registration; shorter is answered 423', example: '60', min: 1, max: 600_000 })
    .default(60),
  ROLLCALL_SCSCF_EXPIRES_MAX_SECONDS: field
    .seconds({
      is: 'longest registration, and what a UE gets that does not say',
      example: '600000',
      min: 1,
      max: 600_000,
    })
    .default(600_000),
  ROLLCALL_SCSCF_CONTACTS_MAX: field
    .count({
      is: 'contacts that the users of one implicit set may have bound; a REGISTER beyond them is refused',
      of: 'contacts',
      example: '10',
      min: 1,
      max: 32,
    })
    .default(10),
  ROLLCALL_SCSCF_ATTEMPTS_MAX: field
    .count({
      is: 'registrations that may wait for an answer to their challenge',
      of: 'attempts',
      example: '50000',
      min: 1,
      max: 1_000_000,
    })
    .default(50_000),
  ROLLCALL_SCSCF_RETRANSMISSION_MS: field
    .milliseconds({
      is: 'how long a retransmitted REGISTER gets the first answer; 64*T1 of the access',
      example: '128000',
      min: 100,
      max: 3_600_000,
    })
    .default(128_000),
  ROLLCALL_SCSCF_CX_DEADLINE_MS: field
    .milliseconds({ is: 'how long the HSS may take', example: '3000', min: 50, max: 30_000 })
    .default(3_000),
  ROLLCALL_SCSCF_PROFILE_FRESH_MS: field
    .milliseconds({
      is: 'how long a profile of an unregistered user is used without asking again',
      example: '30000',
      min: 0,
      max: 86_400_000,
    })
    .default(30_000),
  ROLLCALL_SCSCF_PROFILE_STALE_MS: field
    .milliseconds({ is: 'how long it is used while the HSS is away', example: '3600000', min: 0, max: 86_400_000 })
    .default(3_600_000),
  ROLLCALL_SCSCF_PROFILES_MAX: field
    .count({ is: 'profiles of unregistered users kept', of: 'profiles', example: '10000', min: 1, max: 1_000_000 })
    .default(10_000),
  ROLLCALL_SCSCF_SIP_TLS_LISTEN: nodeFields.tlsListen('127.0.0.1:15061'),
  ROLLCALL_SCSCF_SIP_PEERS: nodeFields.peers(
    'pcscf.vendor.example=pcscf,as.vendor.example=as@tls:as.vendor.example:5061',
  ),
  ROLLCALL_SCSCF_SIP_UNPROTECTED_LISTEN: nodeFields.unprotectedListen({
    is: 'insecure: plain SIP of other vendors’ nodes; what it says of identities is not believed',
    example: 'udp:10.0.0.2:5060,tcp:10.0.0.2:5060',
  }),
  ROLLCALL_SCSCF_SIP_UNPROTECTED_PEERS: nodeFields.unprotectedPeers('as.vendor.example=as@udp:10.0.0.9:5060'),
  ROLLCALL_SCSCF_SIP_PROTECTED_ELSEWHERE: nodeFields.protectedElsewhere('10.0.0.9'),
}

/** What the S-CSCF runs by. */
export type ScscfConfig = Config<typeof sharedShape & typeof scscfShape>

/** What it has to do with other vendors' nodes. */
export function nodeSettings(config: ScscfConfig): NodeSettings {
  return {
    tlsListen: config.ROLLCALL_SCSCF_SIP_TLS_LISTEN,
    peers: config.ROLLCALL_SCSCF_SIP_PEERS,
    unprotectedListen: config.ROLLCALL_SCSCF_SIP_UNPROTECTED_LISTEN,
    unprotectedPeers: config.ROLLCALL_SCSCF_SIP_UNPROTECTED_PEERS,
    protectedElsewhere: config.ROLLCALL_SCSCF_SIP_PROTECTED_ELSEWHERE,
  }
}

/** The own host name. */
export function hostOf(config: ScscfConfig): string {
  return (config.ROLLCALL_SCSCF_HOST ?? `scscf-0.scscf.${config.ROLLCALL_REALM}`).toLowerCase()
}

/**
 * Checks what no single setting can say.
 *
 * @throws ConfigError
 */
export function checkConfig(config: ScscfConfig): void {
  checkLeaseTiming('scscf', config)
  if (config.ROLLCALL_SCSCF_EXPIRES_MIN_SECONDS <= config.ROLLCALL_SCSCF_EXPIRES_MAX_SECONDS) return
  throw new ConfigError('scscf', [
    {
      name: 'ROLLCALL_SCSCF_EXPIRES_MIN_SECONDS',
      problem: `is ${config.ROLLCALL_SCSCF_EXPIRES_MIN_SECONDS}, longer than ROLLCALL_SCSCF_EXPIRES_MAX_SECONDS`,
      allowed: `at most ${config.ROLLCALL_SCSCF_EXPIRES_MAX_SECONDS}`,
      example: '60',
    },
  ])
}
