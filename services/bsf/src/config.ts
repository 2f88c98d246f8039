import { bsfNameOf } from '@rollcall/gba'
import { type Config, field, type sharedShape } from '@rollcall/runtime'

/** Names of NAFs, each with what belongs to it. */
const NAF_GROUPS = /^[A-Za-z0-9.-]+=[A-Za-z0-9_-]{1,64}(?:,[A-Za-z0-9.-]+=[A-Za-z0-9_-]{1,64})*$/
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
}

/** The name of this BSF. */
export function bsfNameBy(config: Pick<BsfConfig, 'ROLLCALL_BSF_NAME' | 'ROLLCALL_REALM'>): string {
  return config.ROLLCALL_BSF_NAME ?? bsfNameOf(`@${config.ROLLCALL_REALM}`)
}

/** The settings of NAFs, names in lower case. */
export function nafSettings(
  config: Pick<BsfConfig, 'ROLLCALL_BSF_IMPI_NAFS' | 'ROLLCALL_BSF_NAF_GROUPS'>,
): NafSettings {
  const knowing = new Set(config.ROLLCALL_BSF_IMPI_NAFS?.toLowerCase().split(','))
  const pairs = config.ROLLCALL_BSF_NAF_GROUPS?.split(',').map((pair) => pair.split('=')) ?? []
  const groups = new Map(pairs.map(([fqdn = '', group = '']) => [fqdn.toLowerCase(), group]))
  return { knowsImpi: (fqdn) => knowing.has(fqdn), groupOf: (fqdn) => groups.get(fqdn) ?? '' }
}
