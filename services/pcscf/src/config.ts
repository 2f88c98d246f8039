import type { BucketSettings } from '@rollcall/core'
import { type Config, ConfigError, type ConfigProblem, parseAddressPort, type sharedShape } from '@rollcall/runtime'
import { type OwnPair, ownPairs } from './sec-agree/own-pairs.ts'
import type { SecAgreePolicy } from './sec-agree/policy.ts'
import { pcscfShape } from './settings.ts'

export { pcscfShape }

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
  readonly secAgree: SecAgreePolicy
  readonly serviceRouteMismatch: 'replace' | 'refuse'
  readonly timers: { readonly t1Ms: number; readonly t2Ms: number; readonly t4Ms: number }
  readonly regAwaitAuthMs: number
  /** What an old or closing set is cut to. */
  readonly oldSetGraceMs: number
  readonly hopDeadlineMs: number
  readonly hopRoutes: string
  readonly pendingRegistrationsMax: number
  readonly sourceBucket: BucketSettings
  readonly impiBucket: BucketSettings
  readonly contactsMax: number
  readonly transactionsMax: number
  readonly contactBucket: BucketSettings
  readonly visitedNetworkId: string
  /** What the network says of the access of protected requests. */
  readonly accessNetworkInfo: string | undefined
  readonly regEvent: { readonly isOn: boolean; readonly intervalMs: number }
  readonly tokenKeyRotateMs: number
  readonly sealingKeysFile: string
  readonly allowUeTraceContext: boolean
  readonly natsUrl: string
  readonly tls: { readonly certFile: string; readonly keyFile: string; readonly caFile: string }
  readonly grpcListen: string
}

/**
 * Nested and typed, from the flat settings.
 *
 * @throws ConfigError for settings that are well-formed each and wrong together.
 */
export function pcscfConfig(s: PcscfSettings): PcscfConfig {
  const problems = [...portProblems(s), ...pairProblems(s)]
  if (problems.length > 0) throw new ConfigError('pcscf', problems)
  return {
    realm: s.ROLLCALL_REALM,
    podName: s.ROLLCALL_PCSCF_POD_NAME,
    host: `${s.ROLLCALL_PCSCF_POD_NAME}.pcscf.${s.ROLLCALL_REALM}`,
    sip: addressOf(s.ROLLCALL_PCSCF_SIP_LISTEN),
    encapsulation: addressOf(s.ROLLCALL_PCSCF_ENCAPSULATION_LISTEN),
    portPs: s.ROLLCALL_PCSCF_PORT_PS,
    portPc: { first: s.ROLLCALL_PCSCF_PORT_PC_FIRST, count: s.ROLLCALL_PCSCF_PORT_PC_COUNT },
    secAgree: {
      pairs: pairsOf(s),
      list: s.ROLLCALL_PCSCF_SECURITY_SERVER_LIST,
      missing: s.ROLLCALL_PCSCF_SEC_AGREE_MISSING,
      noCommonPairStatus: Number(s.ROLLCALL_PCSCF_NO_COMMON_PAIR_STATUS),
      mismatchStatus: Number(s.ROLLCALL_PCSCF_SECURITY_MISMATCH_STATUS),
      verify: s.ROLLCALL_PCSCF_SECURITY_VERIFY_COMPARISON,
    },
    serviceRouteMismatch: s.ROLLCALL_PCSCF_SERVICE_ROUTE_MISMATCH,
    timers: { t1Ms: s.ROLLCALL_PCSCF_T1_MS, t2Ms: s.ROLLCALL_PCSCF_T2_MS, t4Ms: s.ROLLCALL_PCSCF_T4_MS },
    regAwaitAuthMs: s.ROLLCALL_PCSCF_REG_AWAIT_AUTH_MS,
    oldSetGraceMs: s.ROLLCALL_PCSCF_OLD_SET_GRACE_MS ?? 64 * s.ROLLCALL_PCSCF_T1_MS,
    hopDeadlineMs: s.ROLLCALL_PCSCF_HOP_DEADLINE_MS,
    hopRoutes: s.ROLLCALL_HOP_ROUTES,
    pendingRegistrationsMax: s.ROLLCALL_PCSCF_PENDING_REGISTRATIONS_MAX,
    sourceBucket: { burst: s.ROLLCALL_PCSCF_SOURCE_BURST, intervalMs: s.ROLLCALL_PCSCF_SOURCE_INTERVAL_MS },
    impiBucket: { burst: s.ROLLCALL_PCSCF_IMPI_BURST, intervalMs: s.ROLLCALL_PCSCF_IMPI_INTERVAL_MS },
    contactsMax: s.ROLLCALL_PCSCF_CONTACTS_MAX,
    transactionsMax: s.ROLLCALL_PCSCF_TRANSACTIONS_MAX,
    contactBucket: { burst: s.ROLLCALL_PCSCF_CONTACT_BURST, intervalMs: s.ROLLCALL_PCSCF_CONTACT_INTERVAL_MS },
    visitedNetworkId: s.ROLLCALL_PCSCF_VISITED_NETWORK_ID ?? s.ROLLCALL_REALM,
    accessNetworkInfo: s.ROLLCALL_PCSCF_ACCESS_NETWORK_INFO,
    regEvent: { isOn: s.ROLLCALL_PCSCF_REG_EVENT, intervalMs: s.ROLLCALL_PCSCF_REG_EVENT_INTERVAL_MS },
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
/** Of SIP without protection, or with TLS: never a protected port (TS 33.203 clause 7.1). */
const SIP_PORTS = [5_060, 5_061]

/** Our pairs in our order; those without encryption only if the policy has them. */
function pairsOf(s: PcscfSettings): readonly OwnPair[] {
  const pairs = ownPairs(s.ROLLCALL_PCSCF_ESP_PAIRS, 'UDP-enc-tun')
  return s.ROLLCALL_PCSCF_REQUIRE_ENCRYPTION ? pairs.filter(({ ealg }) => ealg !== 'null') : pairs
}

/** TS 33.203 clause 7.1: protected ports are none of the unprotected ones, and port_pc and port_ps differ. */
function portProblems(s: PcscfSettings): ConfigProblem[] {
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
  for (const port of SIP_PORTS) {
    if (portPs === port) problems.push({ name: 'ROLLCALL_PCSCF_PORT_PS', problem: `${port} is never protected` })
    if (port >= first && port <= last) {
      problems.push({ name: 'ROLLCALL_PCSCF_PORT_PC_FIRST', problem: `${port} is among them, and is never protected` })
    }
  }
  return problems
}

function pairProblems(s: PcscfSettings): ConfigProblem[] {
  if (pairsOf(s).length > 0) return []
  return [{ name: 'ROLLCALL_PCSCF_ESP_PAIRS', problem: 'none of them encrypts, and encryption is required' }]
}

function addressOf(text: string): { address: string; port: number } {
  const parsed = parseAddressPort(text)
  if (!parsed) throw new Error('assertion failed: the schema lets only ADDRESS:PORT through')
  return parsed
}
