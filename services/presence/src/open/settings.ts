import { BlockList, isIPv6 } from 'node:net'
import { type Config, ConfigError, field, parseAddressPort } from '@rollcall/runtime'

/** Settings of plain SIP: insecure, each of them, and named so. */
export const openShape = {
  ROLLCALL_PRESENCE_SIP_UNPROTECTED_LISTEN: field
    .text({
      is: 'insecure, for load generators and interworking tests: takes SIP as it comes and believes its From',
      pattern: /^udp:(?:\[[0-9a-fA-F:.]+\]|[0-9.]+):[0-9]{1,5}$/,
      allowed: 'udp:ADDRESS:PORT, an IPv6 address in brackets',
      example: 'udp:127.0.0.1:5280',
    })
    .optional(),
  ROLLCALL_PRESENCE_SIP_UNPROTECTED_ANYWHERE: field
    .flag({ is: 'insecure: the address of unprotected SIP may be other than loopback', example: 'false' })
    .default(false),
  ROLLCALL_PRESENCE_UNPROTECTED_USERS: field
    .oneOf(['hss', 'any'], {
      is: 'insecure when `any`: every identity has a user whom everybody may watch, and the HSS is not asked',
      example: 'hss',
    })
    .default('hss'),
  ROLLCALL_PRESENCE_UNPROTECTED_USERS_DOMAIN: field
    .domain({ is: 'with `any`: of this domain alone; without it of any', example: 'example.com' })
    .optional(),
}

/** Where plain SIP is taken. */
export interface OpenAddress {
  readonly address: string
  readonly port: number
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/**
 * Where plain SIP is to be taken; undefined: nowhere.
 *
 * @throws ConfigError for an address that is none, or is not loopback and may not be another.
 */
export function openAddress(config: Config<typeof openShape>): OpenAddress | undefined {
  const name = 'ROLLCALL_PRESENCE_SIP_UNPROTECTED_LISTEN'
  const text = config[name]
  if (text === undefined) return undefined
  const at = parseAddressPort(text.slice('udp:'.length))
  if (!at || at.port === 0) throw new ConfigError('presence', [{ name, problem: `came as ${JSON.stringify(text)}` }])
  const isLoopback = LOOPBACK.check(at.address, isIPv6(at.address) ? 'ipv6' : 'ipv4')
  // guard: open-loopback — unprotected SIP is for this machine alone, unless somebody says otherwise
  if (!isLoopback && !config.ROLLCALL_PRESENCE_SIP_UNPROTECTED_ANYWHERE) {
    const problem = `${at.address} is not loopback, and ROLLCALL_PRESENCE_SIP_UNPROTECTED_ANYWHERE is not true`
    throw new ConfigError('presence', [{ name, problem }])
  }
  return at
}

/** What is insecure about these settings, for the log and for /readyz. */
export function openWarnings(config: Config<typeof openShape>): readonly string[] {
  const warnings: string[] = []
  if (config.ROLLCALL_PRESENCE_SIP_UNPROTECTED_LISTEN !== undefined) {
    warnings.push('insecure: SIP is taken unprotected, and whoever sends it is who its From says')
  }
  if (config.ROLLCALL_PRESENCE_UNPROTECTED_USERS === 'any') {
    warnings.push('insecure: every identity has a user, whom everybody may watch')
  }
  return warnings
}
