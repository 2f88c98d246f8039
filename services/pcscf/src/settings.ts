import { ALGORITHM_PAIR_NAMES, type AlgorithmPairName } from '@rollcall/esp'
import { field } from '@rollcall/runtime'
import type { z } from 'zod'
import { MISSING_POLICIES, VERIFY_COMPARISONS } from './sec-agree/policy.ts'

const PAIRS_DEFAULT = 'hmac-sha-1-96/aes-cbc,hmac-sha-1-96/null'

/** What may stand between quotes in a header field as it is. */
const HEADER_TEXT = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,255}$/
const ACCESS_NETWORK_INFO = /^(?!.*network-provided)[A-Za-z0-9.-]{1,64}(?:;[\x21\x23-\x2b\x2d-\x7e]{1,128}){0,8}$/i

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
  // MD5 and 3DES are out since Rel-13, and for phones that know nothing better; GCM and GMAC come into the default list when
  // a kernel has judged them (readings, Access 6).
  ROLLCALL_PCSCF_ESP_PAIRS: field
    .listOf(ALGORITHM_PAIR_NAMES, { is: 'integrity/encryption pairs, in order of preference', example: PAIRS_DEFAULT })
    .default([...PAIRS_DEFAULT.split(',')] as AlgorithmPairName[]),
  ROLLCALL_PCSCF_SECURITY_SERVER_LIST: field
    .oneOf(['full', 'chosen'], {
      is: 'what Security-Server lists: every pair (TS 33.203 clause 7.2), or the chosen one alone for UEs that need it',
      example: 'full',
    })
    .default('full'),
  ROLLCALL_PCSCF_REQUIRE_ENCRYPTION: field
    .flag({
      is: 'pairs without encryption are neither listed nor chosen: a UE that offers no encryption is refused',
      example: 'false',
    })
    .default(false),
  ROLLCALL_PCSCF_SEC_AGREE_MISSING: field
    .oneOf(MISSING_POLICIES, {
      is: 'answer to a REGISTER that does not ask for sec-agree; negotiate: 421, or 494 when it says that it could',
      example: 'negotiate',
    })
    .default('negotiate'),
  ROLLCALL_PCSCF_NO_COMMON_PAIR_STATUS: field
    .oneOf(['400', '403', '494'], { is: 'answer to an offer of which no pair is ours', example: '403' })
    .default('403'),
  ROLLCALL_PCSCF_SECURITY_VERIFY_COMPARISON: field
    .oneOf(VERIFY_COMPARISONS, {
      is: 'Security-Verify against Security-Server: defaults may be left out; all as it was sent; or without the ranks',
      example: 'tolerant',
    })
    .default('tolerant'),
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
  ROLLCALL_PCSCF_OLD_SET_GRACE_MS: timerField(
    'life of an SA set that a newer one replaced, or whose contact is gone; 64*T1 when it is not set',
    '128000',
  ).optional(),
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
  ROLLCALL_PCSCF_VISITED_NETWORK_ID: field
    .text({
      is: 'P-Visited-Network-ID of our REGISTERs; the realm when it is not set',
      pattern: HEADER_TEXT,
      allowed: 'letters, digits, blanks and signs but quotes and backslashes, 1 to 255',
      example: 'ims.mnc001.mcc001.3gppnetwork.org',
    })
    .optional(),
  ROLLCALL_PCSCF_ACCESS_NETWORK_INFO: field
    .text({
      is: 'P-Access-Network-Info that the network itself adds to what UEs send; none when it is not set',
      pattern: ACCESS_NETWORK_INFO,
      allowed: 'an access type and parameters, without network-provided',
      example: 'IEEE-802.11;i-wlan-node-id=ffffffffffff',
    })
    .optional(),
  ROLLCALL_PCSCF_REG_EVENT: field
    .flag({
      is: 'whether the S-CSCF is asked to tell what becomes of registrations (event package reg, TS 24.229 clause 5.2.3)',
      example: 'true',
    })
    .default(true),
  ROLLCALL_PCSCF_REG_EVENT_INTERVAL_MS: timerField(
    'one subscription to the registration state each, as after a restart, when all are made anew',
    '20',
  ).default(20),
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

function portField(is: string, example: string) {
  return field.count({ of: 'a port', is, example, min: 1_024, max: 65_535 })
}

function timerField(is: string, example: string) {
  return field.milliseconds({ is, example, min: 1, max: 86_400_000 })
}
