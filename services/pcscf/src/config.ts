import {
  type Config,
  ConfigError,
  type ConfigProblem,
  field,
  parseAddressPort,
  type sharedShape,
} from '@rollcall/runtime'
import type { z } from 'zod'
import { type OwnPair, ownPairs, PAIR_NAMES, type PairName } from './sec-agree/own-pairs.ts'

const PAIRS_DEFAULT = 'hmac-sha-1-96/aes-cbc,hmac-sha-1-96/null'

/** The settings of a P-CSCF, beside those that every service has. */
export const pcscfShape = {
  ROLLCALL_PCSCF_POD_NAME: field
    .text({
      is: 'own name: the first label of the host name, and the partition of the log',
      pattern: /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
      allowed: 'a DNS label in lower case',
      example: 'pcscf-0',
    })
    .default('pcscf-0'),
  ROLLCALL_PCSCF_SIP_LISTEN: field.addressPort({
    is: 'unprotected SIP over UDP: where UEs send their first REGISTER',
    example: '127.0.0.1:15060',
  }),
  ROLLCALL_PCSCF_ENCAPSULATION_LISTEN: field.addressPort({
    is: 'UDP-encapsulated ESP',
    example: '127.0.0.1:14500',
  }),
  ROLLCALL_PCSCF_PORT_PS: portField('port_ps, the protected server port of every UE', '15064').default(15_064),
  ROLLCALL_PCSCF_PORT_PC_FIRST: portField('the lowest protected client port, port_pc', '15100').default(15_100),
  ROLLCALL_PCSCF_PORT_PC_COUNT: field
    .count({
      of: 'ports',
      is: 'how many protected client ports there are: the sets that one UE address may have, pending ones included',
      example: '10000',
      min: 8,
      max: 40_000,
    })
    .default(10_000),
  ROLLCALL_PCSCF_SEALING_KEYS_FILE: field.file({
    is: 'keys that seal the flow token keys in the log, JSON',
    example: '/run/secrets/pcscf/sealing-keys.json',
  }),
  ROLLCALL_HOP_ROUTES: field.hopRoutes({
    is: 'next hops by host: the home domain and the S-CSCFs',
    example: 'ims.mnc001.mcc001.3gppnetwork.org=scscf@127.0.0.1:17002',
  }),
  ROLLCALL_PCSCF_ESP_PAIRS: field
    .listOf(PAIR_NAMES, { is: 'integrity/encryption pairs, in order of preference', example: PAIRS_DEFAULT })
    .default([...PAIRS_DEFAULT.split(',')] as PairName[]),
  ROLLCALL_PCSCF_SECURITY_SERVER_LIST: field
    .oneOf(['full', 'chosen'], {
      is: 'what Security-Server lists: every pair (TS 33.203 clause 7.2), or the chosen one alone for UEs that need it',
      example: 'full',
    })
    .default('full'),
  ROLLCALL_PCSCF_SECURITY_MISMATCH_STATUS: field
    .oneOf(['400', '403', '494'], {
      is: 'answer to a Security-Verify or Security-Client that differs from what was agreed',
      example: '494',
    })
    .default('494'),
  ROLLCALL_PCSCF_SERVICE_ROUTE_MISMATCH: field
    .oneOf(['replace', 'refuse'], {
      is: 'a Route that differs from the Service-Route: replaced and counted, or refused with 400',
      example: 'replace',
    })
    .default('replace'),
  ROLLCALL_PCSCF_T1_MS: timerField('T1 on Gm (TS 24.229 table 7.7.1)', '2000').default(2_000),
  ROLLCALL_PCSCF_T2_MS: timerField('T2 on Gm', '16000').default(16_000),
  ROLLCALL_PCSCF_T4_MS: timerField('T4 on Gm', '17000').default(17_000),
  ROLLCALL_PCSCF_REG_AWAIT_AUTH_MS: timerField('life of a temporary SA set, reg-await-auth', '240000').default(240_000),
  ROLLCALL_PCSCF_HOP_DEADLINE_MS: timerField('wait for the core: Timer F there', '32000').default(32_000),
  ROLLCALL_PCSCF_PENDING_REGISTRATIONS_MAX: field
    .count({
      of: 'attempts',
      is: 'registration attempts under way an IMPI; beyond them the newest unprotected one is refused',
      example: '4',
      min: 1,
      max: 64,
    })
    .default(4),
  ROLLCALL_PCSCF_SOURCE_BURST: field
    .count({ of: 'requests', is: 'unprotected REGISTERs at once a source address', example: '5', min: 1, max: 10_000 })
    .default(5),
  ROLLCALL_PCSCF_SOURCE_INTERVAL_MS: timerField('one more unprotected REGISTER a source address each', '1000').default(
    1_000,
  ),
  ROLLCALL_PCSCF_IMPI_BURST: field
    .count({
      of: 'requests',
      is: 'unprotected REGISTERs at once an IMPI, those from the address it is registered at not counted',
      example: '20',
      min: 1,
      max: 10_000,
    })
    .default(20),
  ROLLCALL_PCSCF_IMPI_INTERVAL_MS: timerField('one more unprotected REGISTER an IMPI each', '500').default(500),
  ROLLCALL_PCSCF_CONTACTS_MAX: field
    .count({ of: 'contacts', is: 'registered contacts, some 2 kB each', example: '20000', min: 1, max: 1_000_000 })
    .default(20_000),
  ROLLCALL_PCSCF_TRANSACTIONS_MAX: field
    .count({
      of: 'transactions',
      is: 'transactions with UEs at once, each direction; each lives 64*T1',
      example: '100000',
      min: 16,
      max: 1_000_000,
    })
    .default(100_000),
  ROLLCALL_PCSCF_CONTACT_BURST: field
    .count({ of: 'requests', is: 'requests at once in the SAs of one IMPI', example: '1000', min: 4, max: 100_000 })
    .default(1_000),
  ROLLCALL_PCSCF_CONTACT_INTERVAL_MS: timerField('one more request in the SAs of one IMPI each', '20').default(20),
  ROLLCALL_PCSCF_TOKEN_KEY_ROTATE_SECONDS: field
    .seconds({
      is: 'life of a flow token key as the newest one; it is good as long again after that',
      example: '2592000',
      min: 3_600,
      max: 315_360_000,
    })
    // A registration lasts 600,000 s at most and a dialog should not end by our key's age: 30 days are beyond both.
    .default(2_592_000),
  ROLLCALL_PCSCF_ALLOW_UE_TRACE_CONTEXT: field
    .flag({
      is: 'insecure, for development: a UE may name the trace its request belongs to (header Traceparent)',
      example: 'false',
    })
    .default(false),
} satisfies z.ZodRawShape

export type PcscfSettings = Config<typeof sharedShape & typeof pcscfShape>

/** The settings as the code uses them. */
export interface PcscfConfig {
  readonly realm: string
  readonly podName: string
  /** The host name in Path, Record-Route and Via towards the core. */
  readonly host: string
  readonly sip: { readonly address: string; readonly port: number }
  readonly encapsulation: { readonly address: string; readonly port: number }
  readonly portPs: number
  readonly portPc: { readonly first: number; readonly count: number }
  readonly pairs: readonly OwnPair[]
  readonly securityServerList: 'full' | 'chosen'
  readonly securityMismatchStatus: number
  readonly serviceRouteMismatch: 'replace' | 'refuse'
  readonly timers: { readonly t1Ms: number; readonly t2Ms: number; readonly t4Ms: number }
  readonly regAwaitAuthMs: number
  readonly hopDeadlineMs: number
  readonly hopRoutes: string
  readonly pendingRegistrationsMax: number
  readonly sourceBucket: BucketSettings
  readonly impiBucket: BucketSettings
  readonly contactsMax: number
  readonly transactionsMax: number
  readonly contactBucket: BucketSettings
  readonly tokenKeyRotateMs: number
  readonly sealingKeysFile: string
  readonly allowUeTraceContext: boolean
  readonly natsUrl: string
  readonly tls: { readonly certFile: string; readonly keyFile: string; readonly caFile: string }
  readonly grpcListen: string
}

export interface BucketSettings {
  readonly burst: number
  readonly intervalMs: number
}

/**
 * Nested and typed, from the flat settings.
 *
 * @throws ConfigError for settings that are well-formed each and wrong together.
 */
export function pcscfConfig(s: PcscfSettings): PcscfConfig {
  checkPorts(s)
  return {
    realm: s.ROLLCALL_REALM,
    podName: s.ROLLCALL_PCSCF_POD_NAME,
    host: `${s.ROLLCALL_PCSCF_POD_NAME}.pcscf.${s.ROLLCALL_REALM}`,
    sip: addressOf(s.ROLLCALL_PCSCF_SIP_LISTEN),
    encapsulation: addressOf(s.ROLLCALL_PCSCF_ENCAPSULATION_LISTEN),
    portPs: s.ROLLCALL_PCSCF_PORT_PS,
    portPc: { first: s.ROLLCALL_PCSCF_PORT_PC_FIRST, count: s.ROLLCALL_PCSCF_PORT_PC_COUNT },
    pairs: ownPairs(s.ROLLCALL_PCSCF_ESP_PAIRS, 'UDP-enc-tun'),
    securityServerList: s.ROLLCALL_PCSCF_SECURITY_SERVER_LIST,
    securityMismatchStatus: Number(s.ROLLCALL_PCSCF_SECURITY_MISMATCH_STATUS),
    serviceRouteMismatch: s.ROLLCALL_PCSCF_SERVICE_ROUTE_MISMATCH,
    timers: { t1Ms: s.ROLLCALL_PCSCF_T1_MS, t2Ms: s.ROLLCALL_PCSCF_T2_MS, t4Ms: s.ROLLCALL_PCSCF_T4_MS },
    regAwaitAuthMs: s.ROLLCALL_PCSCF_REG_AWAIT_AUTH_MS,
    hopDeadlineMs: s.ROLLCALL_PCSCF_HOP_DEADLINE_MS,
    hopRoutes: s.ROLLCALL_HOP_ROUTES,
    pendingRegistrationsMax: s.ROLLCALL_PCSCF_PENDING_REGISTRATIONS_MAX,
    sourceBucket: { burst: s.ROLLCALL_PCSCF_SOURCE_BURST, intervalMs: s.ROLLCALL_PCSCF_SOURCE_INTERVAL_MS },
    impiBucket: { burst: s.ROLLCALL_PCSCF_IMPI_BURST, intervalMs: s.ROLLCALL_PCSCF_IMPI_INTERVAL_MS },
    contactsMax: s.ROLLCALL_PCSCF_CONTACTS_MAX,
    transactionsMax: s.ROLLCALL_PCSCF_TRANSACTIONS_MAX,
    contactBucket: { burst: s.ROLLCALL_PCSCF_CONTACT_BURST, intervalMs: s.ROLLCALL_PCSCF_CONTACT_INTERVAL_MS },
    tokenKeyRotateMs: s.ROLLCALL_PCSCF_TOKEN_KEY_ROTATE_SECONDS * 1000,
    sealingKeysFile: s.ROLLCALL_PCSCF_SEALING_KEYS_FILE,
    allowUeTraceContext: s.ROLLCALL_PCSCF_ALLOW_UE_TRACE_CONTEXT,
    natsUrl: s.ROLLCALL_NATS_URL,
    tls: {
      certFile: s.ROLLCALL_TLS_CERT_FILE,
      keyFile: s.ROLLCALL_TLS_KEY_FILE,
      caFile: s.ROLLCALL_TLS_CA_FILE,
    },
    grpcListen: s.ROLLCALL_GRPC_LISTEN,
  }
}

const PORT_MAX = 65_535

/** TS 33.203 clause 7.1: protected ports are none of the unprotected ones, and port_pc and port_ps differ. */
function checkPorts(s: PcscfSettings): void {
  const first = s.ROLLCALL_PCSCF_PORT_PC_FIRST
  const last = first + s.ROLLCALL_PCSCF_PORT_PC_COUNT - 1
  const portPs = s.ROLLCALL_PCSCF_PORT_PS
  const problems: ConfigProblem[] = []
  if (last > PORT_MAX) {
    problems.push({
      name: 'ROLLCALL_PCSCF_PORT_PC_COUNT',
      problem: `reaches up to port ${last}, and ${PORT_MAX} is the last`,
    })
  }
  if (portPs >= first && portPs <= last) {
    problems.push({
      name: 'ROLLCALL_PCSCF_PORT_PS',
      problem: `${portPs} is one of the client ports ${first} to ${last}`,
    })
  }
  if (portPs === addressOf(s.ROLLCALL_PCSCF_SIP_LISTEN).port) {
    problems.push({ name: 'ROLLCALL_PCSCF_PORT_PS', problem: `${portPs} is the unprotected port as well` })
  }
  if (problems.length > 0) throw new ConfigError('pcscf', problems)
}

function portField(is: string, example: string) {
  return field.count({ of: 'a port', is, example, min: 1_024, max: 65_535 })
}

function timerField(is: string, example: string) {
  return field.milliseconds({ is, example, min: 1, max: 86_400_000 })
}

function addressOf(text: string): { address: string; port: number } {
  const parsed = parseAddressPort(text)
  if (!parsed) throw new Error('assertion failed: the schema lets only ADDRESS:PORT through')
  return parsed
}
