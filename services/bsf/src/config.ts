import { bsfNameOf } from '@rollcall/gba'
import { type Config, field, type sharedShape } from '@rollcall/runtime'

/** Names of NAFs, each with what belongs to it. */
const NAF_GROUPS = /^[A-Za-z0-9.-]+=[A-Za-z0-9_-]{1,64}(?:,[A-Za-z0-9.-]+=[A-Za-z0-9_-]{1,64})*$/
const NAF_GSIDS = /^[A-Za-z0-9.-]+=\d{1,6}(?:\+\d{1,6})*(?:,[A-Za-z0-9.-]+=\d{1,6}(?:\+\d{1,6})*)*$/
const NAFS = /^[A-Za-z0-9.-]+(?:,[A-Za-z0-9.-]+)*$/

/** Settings of the BSF beside the shared ones. */
export const bsfShape = {
  ROLLCALL_BSF_SEALING_KEYS_FILE: field.file({
    is: 'keys that seal Ks and vectors and hash B-TIDs, JSON `{current, keys}`; the same at every replica',
    example: '/run/secrets/bsf-sealing-keys.json',
  }),
  ROLLCALL_HSS_TARGET: field.hostPort({ is: 'where the HSS answers Zh', example: '127.0.0.1:17001' }),
  ROLLCALL_BSF_NAME: field
    .domain({
      is: 'the name by which UEs know the BSF, realm of its challenges and domain of its B-TIDs; without it the one that TS 23.003 makes of the realm',
      example: 'bsf.ims.mnc001.mcc001.pub.3gppnetwork.org',
    })
    .optional(),
  ROLLCALL_BSF_HTTP_LISTEN: field
    .addressPort({ is: 'where Ub is spoken over HTTP', example: '127.0.0.1:15080' })
    .optional(),
  ROLLCALL_BSF_HTTPS_LISTEN: field
    .addressPort({ is: 'where Ub is spoken over HTTPS; needs the public certificate', example: '127.0.0.1:15081' })
    .optional(),
  ROLLCALL_BSF_PUBLIC_CERT_FILE: field
    .file({ is: 'certificate that UEs see, PEM, its chain behind it', example: '/run/secrets/bsf-public.crt' })
    .optional(),
  ROLLCALL_BSF_PUBLIC_KEY_FILE: field
    .file({ is: 'its private key, PEM', example: '/run/secrets/bsf-public.key' })
    .optional(),
  ROLLCALL_BSF_KEY_LIFETIME_SECONDS: field
    .seconds({
      is: 'how long a bootstrapped key lives, unless the user’s own settings say otherwise',
      example: '43200',
      min: 60,
      max: 2_592_000,
    })
    .default(43_200),
  ROLLCALL_BSF_CHALLENGE_SECONDS: field
    .seconds({ is: 'how long a UE may take to answer a challenge', example: '30', min: 2, max: 60 })
    .default(30),
  ROLLCALL_BSF_TMPI: field
    .flag({ is: 'whether UEs that can are given temporary names (TS 33.220 annex B.4)', example: 'true' })
    .default(true),
  ROLLCALL_BSF_IMPI_NAFS: field
    .text({
      pattern: NAFS,
      allowed: 'host names of NAFs, with commas between',
      is: 'NAFs that are told the IMPI; the others know the user by the identities in the settings of their service',
      example: 'xcap.ims.mnc001.mcc001.pub.3gppnetwork.org',
    })
    .optional(),
  ROLLCALL_BSF_NAF_GROUPS: field
    .text({
      pattern: NAF_GROUPS,
      allowed: 'NAF=GROUP, with commas between',
      is: 'groups of NAFs (nafGroup of TS 29.109): who gets settings that are for a group',
      example: 'xcap.ims.mnc001.mcc001.pub.3gppnetwork.org=ut',
    })
    .optional(),
  ROLLCALL_BSF_NAF_GSIDS: field
    .text({
      pattern: NAF_GSIDS,
      allowed: 'NAF=GSID, several with + between, such NAFs with commas between',
      is: 'settings that each NAF may ask for, by GSID; a NAF that is not named gets none. Without it all get what they ask for',
      example: 'xcap.ims.mnc001.mcc001.pub.3gppnetwork.org=2+3',
    })
    .optional(),
  ROLLCALL_BSF_CONNECTIONS_MAX: field
    .count({
      of: 'connections',
      is: 'connections of UEs to each listener; one more is closed at once',
      example: '20000',
      min: 1,
      max: 100_000,
    })
    .default(20_000),
  ROLLCALL_BSF_SOURCE_CONNECTIONS_MAX: field
    .count({
      of: 'connections',
      is: 'of them from one address, or one /64 of IPv6; one more is closed at once. One /48 of IPv6 has half of all connections at most. Where many UEs share an address this must be wide enough for them',
      example: '128',
      min: 1,
      max: 100_000,
    })
    .default(128),
  ROLLCALL_BSF_OUTSTANDING_MAX: field
    .count({
      of: 'requests',
      is: 'requests of UEs that wait for HSS or store at once; one more is told to come later',
      example: '1000',
      min: 1,
      max: 100_000,
    })
    .default(1_000),
  ROLLCALL_BSF_USER_CONTEXTS_MAX: field
    .count({
      of: 'keys',
      is: 'keys that one user bootstraps at once, and again in the time that one lives',
      example: '200',
      min: 1,
      max: 1_000_000,
    })
    .default(200),
  ROLLCALL_BSF_SOURCE_BURST: field
    .count({
      of: 'requests',
      is: 'requests of one source address at once; a bootstrapping is two',
      example: '40',
      min: 1,
      max: 100_000,
    })
    .default(40),
  ROLLCALL_BSF_SOURCE_INTERVAL_MS: field
    .milliseconds({ is: 'after which it gets one more', example: '250', min: 1, max: 600_000 })
    .default(250),
  ROLLCALL_BSF_IMPI_BURST: field
    .count({
      of: 'requests',
      is: 'challenges for one user at once, from sources other than the one that it bootstrapped from last',
      example: '10',
      min: 1,
      max: 100_000,
    })
    .default(10),
  ROLLCALL_BSF_IMPI_INTERVAL_MS: field
    .milliseconds({ is: 'after which there is one more', example: '6000', min: 1, max: 600_000 })
    .default(6_000),
  ROLLCALL_BSF_WRONG_ANSWERS: field
    .count({
      of: 'answers',
      is: 'wrong answers for one user from one source at once',
      example: '4',
      min: 1,
      max: 1_000,
    })
    .default(4),
  ROLLCALL_BSF_WRONG_ANSWER_INTERVAL_MS: field
    .milliseconds({ is: 'after which one more is borne', example: '60000', min: 1, max: 3_600_000 })
    .default(60_000),
}

/** What the BSF runs by. */
export type BsfConfig = Config<typeof sharedShape & typeof bsfShape>

/** What is told to which NAF. */
export interface NafSettings {
  readonly knowsImpi: (fqdn: string) => boolean
  readonly groupOf: (fqdn: string) => string
  /** Whether this NAF may ask for the settings of this GSID. */
  readonly mayAsk: (fqdn: string, gsid: number) => boolean
}

/** The name of this BSF. */
export function bsfNameBy(config: Pick<BsfConfig, 'ROLLCALL_BSF_NAME' | 'ROLLCALL_REALM'>): string {
  return config.ROLLCALL_BSF_NAME ?? bsfNameOf(`@${config.ROLLCALL_REALM}`)
}

/** The settings of NAFs, names in lower case. */
export function nafSettings(
  config: Pick<BsfConfig, 'ROLLCALL_BSF_IMPI_NAFS' | 'ROLLCALL_BSF_NAF_GROUPS' | 'ROLLCALL_BSF_NAF_GSIDS'>,
): NafSettings {
  const knowing = new Set(config.ROLLCALL_BSF_IMPI_NAFS?.toLowerCase().split(','))
  const groups = byNaf(config.ROLLCALL_BSF_NAF_GROUPS)
  const gsids = new Map([...byNaf(config.ROLLCALL_BSF_NAF_GSIDS)].map(([fqdn, text]) => [fqdn, numbersIn(text)]))
  const isOpen = config.ROLLCALL_BSF_NAF_GSIDS === undefined
  return {
    knowsImpi: (fqdn) => knowing.has(fqdn),
    groupOf: (fqdn) => groups.get(fqdn) ?? '',
    mayAsk: (fqdn, gsid) => isOpen || (gsids.get(fqdn)?.has(gsid) ?? false),
  }
}

/** `NAF=TEXT,NAF=TEXT`. */
function byNaf(setting: string | undefined): Map<string, string> {
  const pairs = setting?.split(',').map((pair) => pair.split('=')) ?? []
  return new Map(pairs.map(([fqdn = '', text = '']) => [fqdn.toLowerCase(), text]))
}

function numbersIn(text: string): ReadonlySet<number> {
  return new Set(text.split('+').map(Number))
}
